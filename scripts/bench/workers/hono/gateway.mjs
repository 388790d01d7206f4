// The gateway's request path as one would write it with Hono: routes, other origins' scripts, credential cache, access, limits
// kept in KV, a circuit breaker, a signed identity, the log line, usage events. A peer for the bench: it does what the gateway
// does for such a request, but for the hosts and the platform's own pages.

import { Hono } from "hono";
import { cors } from "hono/cors";

const VALID_MS = 30_000;
const WINDOW_MS = 60_000;
const LIMIT = 1_000_000;
const FLUSH_MS = 30_000;
const USAGE_BATCH = 50;
const FAILURES = 5;
const OPEN_MS = 10_000;
const UPSTREAM_MS = 30_000;
const SITE = "https://app.example.com";
const ROUTES = {
  "/db": "DB", "/relationships": "DB", "/auth": "AUTH", "/schedule": "SCHEDULE", "/admin": "APP", "/batch": "BATCH",
  "/ai": "AI", "/workflows": "WORKFLOWS", "/queue": "QUEUE", "/events": "EVENTS", "/embeddings": "EMBEDDINGS",
  "/code": "CODE_EXEC", "/claude-code": "CLAUDE_CODE", "/agent": "AGENT", "/fn": "FN", "/universal": "UNIVERSAL_API",
};

const encoder = new TextEncoder();
const callers = new Map();
const counts = new Map();
const circuits = new Map();
let usage = [];
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

// The circuit of a Worker, or nothing while it is open.
function enter(binding) {
  const circuit = circuits.get(binding) ?? { failures: 0, opened: 0 };
  circuits.set(binding, circuit);
  if (circuit.failures >= FAILURES && Date.now() - circuit.opened < OPEN_MS) return undefined;
  return circuit;
}

function report(context, started) {
  const caller = context.get("caller") ?? {};
  const duration_ms = Date.now() - started;
  const told = {
    method: context.req.method, route: context.get("route") ?? "", status: context.res.status, duration_ms,
    identity: caller.kind ?? "anonymous", user_id: caller.userId ?? "", key_id: caller.keyId ?? "",
  };
  const time = new Date().toISOString();
  const request_id = context.get("requestId");
  console.log(JSON.stringify({ time, level: "info", service: "hono", event: "request", request_id, ...told }));
  const bytes_in = Number(context.req.header("content-length") ?? 0);
  const bytes_out = Number(context.res.headers.get("content-length") ?? 0);
  usage.push({ time, request_id, ...told, organization: caller.organizationId ?? "", bytes_in, bytes_out, colo: "" });
  if (usage.length < USAGE_BATCH) return;
  const rows = usage;
  usage = [];
  context.executionCtx.waitUntil(context.env.DB.ingest("api_requests", rows));
}

const app = new Hono();

app.use(cors({ origin: SITE, credentials: true }));

app.use(async (context, next) => {
  const started = Date.now();
  context.set("requestId", context.req.header("x-request-id") ?? crypto.randomUUID());
  await next();
  tell(context);
  context.header("x-request-id", context.get("requestId"));
  report(context, started);
});

async function pass(context, prefix, binding) {
  context.set("route", prefix);
  if (!take(`ip:${context.req.header("cf-connecting-ip") ?? "unknown"}`).allowed) {
    return context.json({ code: "QUOTA_EXCEEDED" }, 429);
  }
  const [scheme, credential] = (context.req.header("authorization") ?? "").split(" ");
  if (scheme.toLowerCase() !== "bearer" || !credential) return context.json({ code: "UNAUTHENTICATED" }, 401);
  const caller = await identify(credential, context.env.AUTH);
  if (!caller.valid) return context.json({ code: caller.code }, 401);
  context.set("caller", caller);
  const needed = context.req.method === "GET" ? "things:read" : "things:write";
  if (!caller.permissions.includes(needed) && !caller.permissions.includes("*")) {
    return context.json({ code: "FORBIDDEN" }, 403);
  }
  const limit = take(caller.keyId ?? caller.userId);
  if (!limit.allowed) return context.json({ code: "QUOTA_EXCEEDED" }, 429);
  const circuit = enter(binding);
  if (!circuit) return context.json({ code: "CIRCUIT_OPEN" }, 503);
  const url = new URL(context.req.url);
  url.pathname = url.pathname.slice(prefix.length);
  const request = new Request(url, context.req.raw);
  for (const name of [...request.headers.keys()]) {
    if (/^x-(dotdo|user|forwarded)-/.test(name)) request.headers.delete(name);
  }
  request.headers.set("x-request-id", context.get("requestId"));
  const audience = binding.toLowerCase();
  const identity = await sign(caller, audience, context.get("requestId"), context.env.INTERNAL_SECRET);
  request.headers.set("x-dotdo-identity", identity);
  const answer = await context.env[binding].fetch(request, { signal: AbortSignal.timeout(UPSTREAM_MS) });
  circuit.failures = 0;
  const response = new Response(answer.body, answer);
  response.headers.set("ratelimit", `"default";r=${limit.remaining}`);
  return response;
}

for (const [prefix, binding] of Object.entries(ROUTES)) {
  app.all(`${prefix}/*`, (context) => pass(context, prefix, binding));
}

export default app;
