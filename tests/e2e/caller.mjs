// A JavaScript Worker bound to the four, as TypeScript callers are: makes the RPC call it is told to and reports what came back.

// What JSON has no word for; an argument `{"$js": name}` stands for it.
const NOT_JSON = {
  nan: NaN,
  infinity: Infinity,
  negativeInfinity: -Infinity,
  undefined: undefined,
  date: new Date("2026-02-28T22:59:59.123Z"),
  invalidDate: new Date(NaN),
  bigint: 9007199254740993n,
  bytes: new Uint8Array([0, 1, 255]),
  map: new Map([["a", 1]]),
  set: new Set([1]),
  regexp: /x/,
  function: () => 1,
};

function revived(text) {
  return JSON.parse(text, (_, value) => (Object.hasOwn(Object(value), "$js") ? NOT_JSON[value.$js] : value));
}

export default {
  async fetch(request, env) {
    const { binding, method, args } = revived(await request.text());
    try {
      const result = await env[binding][method](...args);
      return Response.json({ ok: result ?? null, type: Object.prototype.toString.call(result) });
    } catch (error) {
      return Response.json({ error: { name: error.name, message: error.message } });
    }
  },
};
