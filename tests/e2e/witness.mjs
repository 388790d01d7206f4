// Every Worker that may be behind a gateway at once, the auth service included: tells what reached it, and takes anybody for
// what the credential says: `role;permissions,…;name`.
import { WorkerEntrypoint } from "cloudflare:workers";

function verified(credential) {
  const parts = credential.split(";");
  if (parts.length !== 3) return { valid: false, code: "NOT_FOUND" };
  const [role, permissions, name] = parts;
  return {
    valid: true, code: "VALID", kind: "api_key", userId: `usr_${name}`, role, permissions: permissions.split(","),
    organizationId: null, keyId: `key_${name}`, sessionId: null, rateLimit: null, expiresAt: null,
  };
}

const METHODS = { verify: verified, ingest: (table, rows) => ({ inserted: rows.length }), health: () => ({ status: "ok" }) };

export default class extends WorkerEntrypoint {
  fetch(request) {
    return Response.json({ reached: request.url, method: request.method, headers: Object.fromEntries(request.headers) });
  }

  callJson(text) {
    const { method, params } = JSON.parse(text);
    return JSON.stringify({ ok: METHODS[method](...params) });
  }
}
