// Errors with a code for callers of the RPC methods: `const db = typed(env.DB)`, then `error.code === "NOT_FOUND"`.
export class ServiceError extends Error {
  constructor(code, detail) {
    super(`${code}: ${detail}`);
    Object.assign(this, { name: "ServiceError", code, detail });
  }
}

export function typed(service) {
  const call = (name) => async (...args) => service[name](...args).catch((error) => Promise.reject(serviceError(error)));
  return new Proxy({}, { get: (_, name) => (name === "then" ? undefined : call(name)) });
}

// The answer of `callJson`, the form Python Workers call by: `{"ok": …}` or `{"error": {code, detail, …}}`.
export function unwrap(text) {
  const { ok, error } = JSON.parse(text);
  if (error) throw new ServiceError(error.code, error.detail);
  return ok;
}

// A rejected call ends in a line `CODE: detail`; anything else is the runtime's own.
function serviceError(error) {
  const [, code, detail] = /^([A-Z][A-Z_]+): (.*)$/ms.exec(error.message) ?? [];
  return code ? new ServiceError(code, detail) : error;
}
