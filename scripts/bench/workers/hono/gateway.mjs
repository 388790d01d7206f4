// The gateway's request path as one would write it with Hono: credential cache, access, a limit kept in KV, a signed identity,
// the log line. A peer for the bench, with no more of the platform than a read of db needs.

import { Hono } from "hono";

const VALID_MS = 30_000;
const WINDOW_MS = 60_000;
const LIMIT = 1_000_000;
const FLUSH_MS = 30_000;

const encoder = new TextEncoder();
const callers = new Map();
const counts = new Map();
const header = base64url(encoder.encode(JSON.stringify({ alg: "HS256", typ: "dotdo-identity+jwt" })));
let signingKey;
let flushed = Date.now();

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function identify(credential, auth) {
  const digest = await crypto.subtle.digest("SHA-256", encoder.encode(credential));
  const key = base64url(new Uint8Array(digest));
  const known = callers.get(key);
  if (known && known.until > Date.now()) return known.caller;
  const caller = await auth.verify(credential);
  callers.set(key, { caller, until: Date.now() + VALID_MS });
  return caller;
}

function take(name) {
  const window = Math.floor(Date.now() / WINDOW_MS);
  const cell = counts.get(name);
  const now = cell?.window === window ? cell : { window, count: 0 };
  now.count += 1;
  counts.set(name, now);
  return { allowed: now.count <= LIMIT, remaining: LIMIT - now.count };
}

async function sign(caller, audience, requestId, secret) {
  signingKey ??= await crypto.subtle.importKey(
    "raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"],
  );
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: "dotdo-gateway", aud: audience, iat: now, exp: now + 60, rid: requestId, sub: caller.userId, kind: caller.kind,
    role: caller.role, org: caller.organizationId ?? "", permissions: caller.permissions, kid: caller.keyId ?? "",
    sid: caller.sessionId ?? "",
  };
  const signed = `${header}.${base64url(encoder.encode(JSON.stringify(claims)))}`;
  const signature = await crypto.subtle.sign("HMAC", signingKey, encoder.encode(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

function tell(context) {
  if (Date.now() - flushed < FLUSH_MS) return;
  flushed = Date.now();
  const told = JSON.stringify([...counts].slice(0, 60));
  context.executionCtx.waitUntil(context.env.GATEWAY_KV.put("hono", told, { expirationTtl: 120 }));
}

const app = new Hono();

app.use(async (context, next) => {
  const started = Date.now();
  context.set("requestId", context.req.header("x-request-id") ?? crypto.randomUUID());
  await next();
  tell(context);
  context.header("x-request-id", context.get("requestId"));
  console.log(JSON.stringify({
    time: new Date().toISOString(), level: "info", service: "hono", event: "request", request_id: context.get("requestId"),
    method: context.req.method, status: context.res.status, duration_ms: Date.now() - started,
  }));
});

app.all("/db/*", async (context) => {
  const [scheme, credential] = (context.req.header("authorization") ?? "").split(" ");
  if (scheme.toLowerCase() !== "bearer" || !credential) return context.json({ code: "UNAUTHENTICATED" }, 401);
  const caller = await identify(credential, context.env.AUTH);
  if (!caller.valid) return context.json({ code: caller.code }, 401);
  const needed = context.req.method === "GET" ? "things:read" : "things:write";
  if (!caller.permissions.includes(needed) && !caller.permissions.includes("*")) {
    return context.json({ code: "FORBIDDEN" }, 403);
  }
  const limit = take(caller.keyId ?? caller.userId);
  if (!limit.allowed) return context.json({ code: "QUOTA_EXCEEDED" }, 429);
  const url = new URL(context.req.url);
  url.pathname = url.pathname.slice("/db".length);
  const request = new Request(url, context.req.raw);
  for (const name of [...request.headers.keys()]) {
    if (/^x-(dotdo|user|forwarded)-/.test(name)) request.headers.delete(name);
  }
  request.headers.set("x-request-id", context.get("requestId"));
  const identity = await sign(caller, "db", context.get("requestId"), context.env.INTERNAL_SECRET);
  request.headers.set("x-dotdo-identity", identity);
  const response = new Response((await context.env.DB.fetch(request)).body);
  response.headers.set("ratelimit", `"default";r=${limit.remaining}`);
  return response;
});

export default app;
