// A JavaScript caller of the callee: `POST {"method", "params"}` answers what arrived, or how the call failed.
const describe = (value) =>
  value === null || typeof value !== "object"
    ? typeof value
    : Array.isArray(value)
      ? value.map(describe)
      : { [value.constructor?.name ?? "null prototype"]: Object.fromEntries(Object.entries(value).map(([k, v]) => [k, describe(v)])) };

export default {
  async fetch(request, env) {
    if (request.method !== "POST") return new Response("javascript caller");
    const { method, params } = await request.json();
    try {
      const value = await env.CALLEE[method](...params);
      return Response.json({ types: describe(value), value });
    } catch (error) {
      return Response.json({ name: error.name, message: error.message });
    }
  },
};
