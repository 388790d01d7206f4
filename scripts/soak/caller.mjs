// Bound to auth and schedule as another Worker of the platform is: makes the RPC call it is told to.
export default {
  async fetch(request, env) {
    if (request.method !== "POST") return new Response("caller");
    const { binding, method, args } = await request.json();
    try {
      return Response.json({ ok: (await env[binding][method](...args)) ?? null });
    } catch (error) {
      return Response.json({ error: error.message });
    }
  },
};
