// A JavaScript Worker bound to the four, as TypeScript callers are: makes the RPC call it is told to and reports what came back.
export default {
  async fetch(request, env) {
    const { binding, method, args } = await request.json();
    try {
      const result = await env[binding][method](...args);
      return Response.json({ ok: result ?? null, type: Object.prototype.toString.call(result) });
    } catch (error) {
      return Response.json({ error: { name: error.name, message: error.message } });
    }
  },
};
