// A Worker in TypeScript that is bound to the four, as somebody would write it. Compiled by test_typescript.py; each line below
// a @ts-expect-error is a mistake that the declarations have to catch.
import { ServiceError, typed, unwrap } from "dotdo/client.mjs";
import type { AuthService, Verification } from "dotdo/auth";
import type { DbService, Thing } from "dotdo/db";
import type { GatewayService } from "dotdo/gateway";
import type { ScheduleService } from "dotdo/schedule";

interface Env {
  DB: DbService;
  AUTH: AuthService;
  SCHEDULE: ScheduleService;
  GATEWAY: GatewayService;
}

export async function notes(env: Env): Promise<string[]> {
  const db = typed(env.DB);
  const stored: Thing = await db.upsert({ ns: "notes", id: "first", type: "note", data: { text: "hello" } }, { ifVersion: 1 });
  const found: Thing | null = await db.get("notes", stored.id);
  const page = await db.list("notes", { limit: 10, orderBy: "updatedAt", order: "desc" });
  const next: string | null = page.pagination.nextCursor;
  return [found?.createdAt ?? "", next ?? "", ...page.data.map((thing) => thing.id)];
}

export async function mayRead(env: Env, credential: string): Promise<boolean> {
  const who: Verification = await env.AUTH.verify(credential);
  if (!who.valid || who.userId === null) return false;
  return env.AUTH.checkPermission({ userId: who.userId, resource: "things", action: "read" });
}

export async function version(env: Env): Promise<number | "changed meanwhile"> {
  try {
    return (await typed(env.DB).upsert({ ns: "notes", id: "first", type: "note" }, { ifVersion: 7 })).version;
  } catch (error) {
    if (error instanceof ServiceError && error.code === "VERSION_MISMATCH") return "changed meanwhile";
    throw error;
  }
}

export async function overHttp(env: Env): Promise<number[]> {
  const answers = await Promise.all([
    env.DB.fetch("https://db/health"), env.AUTH.fetch(new Request("https://auth/health")), env.SCHEDULE.fetch("https://schedule/"),
    typed(env.GATEWAY).fetch("https://gateway/db/things", { method: "POST", body: "{}" }),
  ]);
  return answers.map((answer) => answer.status);
}

export async function others(env: Env): Promise<unknown[]> {
  const answer = await env.GATEWAY.route("/db/things/notes/first", { headers: { authorization: "Bearer sk_test_…" } });
  const tick = await env.SCHEDULE.tick("*/5 * * * *", Date.now());
  return [answer.status, answer.body, tick.succeeded, unwrap('{"ok": 1}')];
}

export async function mistakes(env: Env): Promise<void> {
  // @ts-expect-error: there is no such method
  await env.DB.drop("notes");
  // @ts-expect-error: an id is needed
  await env.DB.get("notes");
  // @ts-expect-error: a type is a text
  await env.DB.upsert({ ns: "notes", id: "first", type: 7 });
  // @ts-expect-error: no such option
  await env.DB.list("notes", { pageSize: 10 });
  // @ts-expect-error: no such order
  await env.DB.list("notes", { orderBy: "created_at" });
  // @ts-expect-error: it may be null
  (await env.DB.get("notes", "first")).version;
  // @ts-expect-error: no read gives a key back
  (await env.AUTH.listApiKeys("usr_1")).data[0]?.key;
  // @ts-expect-error: a time is in milliseconds, as a number
  await env.SCHEDULE.tick("* * * * *", "2026-01-01");
  // @ts-expect-error: the code of an error is text
  const code: number = new ServiceError("NOT_FOUND", "no such thing").code;
  // @ts-expect-error: what was made typed has the same methods, no others
  await typed(env.AUTH).get("notes", "first", code);
}
