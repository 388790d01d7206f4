// Drives the local endpoint with Neon's own driver: `node neon_driver.mjs ENDPOINT CONNECTION_STRING`. Prints one JSON line a check.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { neon, neonConfig, NeonDbError } from "@neondatabase/serverless";

const [endpoint, url] = process.argv.slice(2);
neonConfig.fetchEndpoint = endpoint;
const sql = neon(url);
const full = neon(url, { fullResults: true });
const arrays = neon(url, { arrayMode: true });

const checks = [];
const check = (name, run) => checks.push({ name, run });
const one = async (query, params) => (await sql.query(query, params))[0];
const value = async (query, params) => Object.values(await one(query, params))[0];
const roundTrip = async (type, given) => value(`select $1::${type} as v`, [given]);

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof NeonDbError, `${error}`);
    return error;
  }
  assert.fail("the statement was expected to fail");
}

await sql.query("create extension if not exists vector");
await sql.query("drop schema if exists neon_driver cascade");
await sql.query("create schema neon_driver");
await sql.query(`create table neon_driver.item (
  id int primary key, name text not null unique, price numeric check (price >= 0), parent int references neon_driver.item (id) deferrable initially deferred)`);
const item = "neon_driver.item";
const count = async (where) => Number(await value(`select count(*) from ${item} where ${where}`));

// Parameters
check("integer parameter", async () => assert.equal(await roundTrip("int", 42), 42));
check("negative integer parameter", async () => assert.equal(await roundTrip("int", -7), -7));
check("text parameter with quotes, backslashes and line breaks", async () => {
  const text = `it's "quoted" \\ and\nbroken\tup; drop table x; --`;
  assert.equal(await roundTrip("text", text), text);
});
check("text parameter beyond the basic plane", async () => assert.equal(await roundTrip("text", "naïve 日本 🐘"), "naïve 日本 🐘"));
check("empty text is not null", async () => assert.equal(await roundTrip("text", ""), ""));
check("boolean parameters", async () => {
  assert.equal(await roundTrip("bool", true), true);
  assert.equal(await roundTrip("bool", false), false);
});
check("null parameter", async () => assert.equal(await roundTrip("text", null), null));
check("undefined parameter is null", async () => assert.equal(await roundTrip("text", undefined), null));
check("date parameter", async () => {
  const date = new Date("2026-03-04T05:06:07.089Z");
  assert.equal((await roundTrip("timestamptz", date)).getTime(), date.getTime());
});
check("tagged template parameters", async () => {
  const [row] = await sql`select ${1}::int + ${2}::int as sum, ${"x"}::text as t`;
  assert.deepEqual(row, { sum: 3, t: "x" });
});
check("the same parameter twice", async () => assert.equal(await value("select $1::text || $1::text", ["ab"]), "abab"));
check("a parameter's type is the server's choice", async () =>
  assert.equal(await value("select id from (values (1, 'a'), (2, 'b')) t(id, n) where id = $1", [2]), 2));
check("300 parameters", async () => {
  const numbers = Array.from({ length: 300 }, (_, i) => i + 1);
  const sum = numbers.map((n) => `$${n}::int`).join("+");
  assert.equal(await value(`select ${sum}`, numbers), 45150);
});
check("a parameter is never SQL", async () => {
  const rows = await sql.query(`select * from ${item} where name = $1`, ["' or true; --"]);
  assert.deepEqual(rows, []);
});

// Arrays
check("integer array", async () => assert.deepEqual(await roundTrip("int[]", [1, 2, 3]), [1, 2, 3]));
check("text array with every character that needs quoting", async () => {
  const texts = ["a,b", '"q"', "back\\slash", "{brace}", "", "NULL", " space ", "line\nbreak"];
  assert.deepEqual(await roundTrip("text[]", texts), texts);
});
check("array with nulls", async () => assert.deepEqual(await roundTrip("text[]", ["a", null]), ["a", null]));
check("nested array", async () => assert.deepEqual(await roundTrip("int[]", [[1, 2], [3, 4]]), [[1, 2], [3, 4]]));
check("empty array", async () => assert.deepEqual(await roundTrip("int[]", []), []));
check("boolean array", async () => assert.deepEqual(await roundTrip("bool[]", [true, false]), [true, false]));
check("any($1)", async () => assert.equal(await value("select 3 = any($1::int[])", [[1, 3]]), true));

// JSON
check("object parameter as jsonb", async () => {
  const object = { a: [1, { b: null }], "k\"ey": "v\\alue", n: 1.5, t: true };
  assert.deepEqual(await roundTrip("jsonb", object), object);
});
check("json keeps its text", async () => assert.deepEqual(await value("select '{\"b\": 1, \"a\": 2}'::json"), { b: 1, a: 2 }));
check("jsonb scalar", async () => assert.equal(await value("select '\"text\"'::jsonb"), "text"));
check("jsonb null is not SQL null", async () => assert.deepEqual(await one("select 'null'::jsonb is null as missing"), { missing: false }));
check("json array by JSON.stringify", async () => assert.deepEqual(await roundTrip("jsonb", JSON.stringify([1, "x"])), [1, "x"]));

// Bytes and vectors
check("bytea both ways", async () => {
  const bytes = Buffer.from([0, 1, 127, 128, 255, 92, 39]);
  assert.deepEqual(await roundTrip("bytea", bytes), bytes);
});
check("empty bytea", async () => assert.equal((await roundTrip("bytea", Buffer.alloc(0))).length, 0));
check("vector both ways", async () => assert.equal(await roundTrip("vector(3)", "[1,2.5,-3]"), "[1,2.5,-3]"));
check("vector distance", async () => assert.equal(await value("select '[1,0]'::vector <-> $1::vector", ["[1,2]"]), 2));
check("wrong vector dimension", async () => assert.equal((await failure(roundTrip("vector(3)", "[1,2]"))).code, "22000"));

// Numbers and times
check("int8 is a string", async () => assert.equal(await value("select 9223372036854775807::int8"), "9223372036854775807"));
check("bigint parameter", async () => assert.equal(await roundTrip("int8", 9007199254740993n), "9007199254740993"));
check("numeric keeps every digit", async () => assert.equal(await value("select 0.1000000000000000000000001::numeric"), "0.1000000000000000000000001"));
check("float8", async () => assert.equal(await roundTrip("float8", 0.1), 0.1));
check("float8 specials", async () => {
  const row = await one("select 'NaN'::float8 as nan, 'Infinity'::float8 as up, '-Infinity'::float8 as down");
  assert.deepEqual(row, { nan: Number.NaN, up: Infinity, down: -Infinity });
});
check("float8 at its limits", async () => assert.equal(await roundTrip("float8", Number.MAX_VALUE), Number.MAX_VALUE));
check("timestamptz text is UTC", async () => {
  const asText = { types: { getTypeParser: () => (text) => text } };
  const rows = await sql.query("select '2026-01-02 03:04:05.678+02'::timestamptz as at", [], asText);
  assert.deepEqual(rows, [{ at: "2026-01-02 01:04:05.678+00" }]);
});
check("date, time and interval", async () => {
  const row = await one("select '2026-01-02'::date::text d, '03:04'::time t, '1 day 2 hours'::interval::text i");
  assert.deepEqual(row, { d: "2026-01-02", t: "03:04:00", i: "1 day 02:00:00" });
});
check("uuid", async () => assert.match(await value("select uuidv7()"), /^[0-9a-f-]{36}$/));

// Results
check("empty result", async () => assert.deepEqual(await sql.query("select 1 as x where false"), []));
check("empty result keeps its fields", async () => {
  const result = await full.query("select 1 as x where false");
  assert.deepEqual([result.rowCount, result.fields.map((f) => f.name)], [0, ["x"]]);
});
check("all nulls", async () => assert.deepEqual(await one("select null as a, null::int as b"), { a: null, b: null }));
check("array mode", async () => assert.deepEqual(await arrays.query("select 1 as a, 2 as a"), [[1, 2]]));
check("fields", async () => {
  const { fields } = await full.query(`select id, name, 1::numeric(10,2) as n from ${item}`);
  assert.deepEqual(fields.map((f) => [f.name, f.dataTypeID, f.columnID, f.dataTypeSize, f.format]), [
    ["id", 23, 1, 4, "text"], ["name", 25, 2, -1, "text"], ["n", 1700, 0, -1, "text"]]);
  assert.equal(fields[0].tableID, fields[1].tableID);
  assert.equal(fields[2].dataTypeModifier, ((10 << 16) | 2) + 4);
});
check("command and row count of a select", async () => {
  const result = await full.query("select generate_series(1, 200)");
  assert.deepEqual([result.command, result.rowCount, result.rows.length], ["SELECT", 200, 200]);
});
check("command and row count of writes", async () => {
  const seen = [];
  for (const query of [
    `insert into ${item} (id, name) values (901, 'w1'), (902, 'w2')`,
    `update ${item} set price = 1 where id in (901, 902)`,
    `delete from ${item} where id = 901`,
    `delete from ${item} where id = 902 returning id`,
  ]) {
    const { command, rowCount, rows } = await full.query(query);
    seen.push([command, rowCount, rows.length]);
  }
  assert.deepEqual(seen, [["INSERT", 2, 0], ["UPDATE", 2, 0], ["DELETE", 1, 0], ["DELETE", 1, 1]]);
});
check("command of a definition has no row count", async () => {
  const { command, rowCount } = await full.query("create temporary table gone (x int)");
  assert.deepEqual([command, rowCount], ["CREATE", null]);
});
check("5000 rows arrive in order", async () => {
  const rows = await arrays.query("select i from generate_series(1, 5000) i");
  assert.deepEqual(rows.map(([i]) => i), Array.from({ length: 5000 }, (_, i) => i + 1));
});
check("one large value", async () => assert.equal((await value("select repeat('x', 5000000)")).length, 5000000));
check("an answer above 10 MiB is refused", async () => {
  await assert.rejects(sql.query("select repeat('x', 10485761)"), /HTTP status 507.*10485760 bytes/);
});

// Errors
check("syntax error: code, position, severity, routine", async () => {
  const error = await failure(sql.query("select frm x"));
  assert.deepEqual([error.code, error.severity], ["42703", "ERROR"]);
  assert.equal(error.position, "8");
  assert.ok(error.file && error.line && error.routine);
});
check("hint of an undefined function", async () => {
  const error = await failure(sql.query("select no_such_function(1)"));
  assert.equal(error.code, "42883");
  assert.match(error.hint ?? "", /./);
});
check("unique violation: detail, schema, table, constraint", async () => {
  await sql.query(`insert into ${item} (id, name) values (1, 'first') on conflict do nothing`);
  const error = await failure(sql.query(`insert into ${item} (id, name) values (1, 'again')`));
  assert.deepEqual([error.code, error.schema, error.table, error.constraint], ["23505", "neon_driver", "item", "item_pkey"]);
  assert.equal(error.detail, "Key (id)=(1) already exists.");
});
check("not-null violation names the column", async () => {
  const error = await failure(sql.query(`insert into ${item} (id) values (2)`));
  assert.deepEqual([error.code, error.column], ["23502", "name"]);
});
check("check violation names the constraint", async () => {
  const error = await failure(sql.query(`insert into ${item} (id, name, price) values (3, 'n', -1)`));
  assert.deepEqual([error.code, error.constraint], ["23514", "item_price_check"]);
});
check("deferred foreign key fails at commit", async () => {
  const error = await failure(sql.transaction([sql`insert into neon_driver.item (id, name, parent) values (4, 'child', 999)`]));
  assert.deepEqual([error.code, error.constraint], ["23503", "item_parent_fkey"]);
  assert.equal(await count("id = 4"), 0);
});
check("bad text for a type", async () => assert.equal((await failure(roundTrip("int", "abc"))).code, "22P02"));
check("integer out of range", async () => assert.equal((await failure(roundTrip("int", 2147483648))).code, "22003"));
check("missing parameter", async () => assert.equal((await failure(sql.query("select $1::int", []))).code, "08P01"));
check("raised error with its context", async () => {
  await sql.query(`create or replace function neon_driver.fail() returns void language plpgsql as $$
    begin raise exception 'no; really' using errcode = 'P0042', detail = 'because', hint = 'do not'; end $$`);
  const error = await failure(sql.query("select neon_driver.fail()"));
  assert.deepEqual([error.code, error.message, error.detail, error.hint], ["P0042", "no; really", "because", "do not"]);
  assert.match(error.where, /PL\/pgSQL function neon_driver.fail\(\)/);
});
check("two statements are refused", async () => {
  const error = await failure(sql.query(`insert into ${item} (id, name) values (50, 'a'); insert into ${item} (id, name) values (51, 'b')`));
  assert.equal(error.code, "42601");
  assert.equal(await count("id in (50, 51)"), 0);
});
check("wrong password", async () => {
  const wrong = new URL(url);
  wrong.password = "wrong";
  const error = await failure(neon(wrong.href).query("select 1"));
  assert.equal(error.code, "28P01");
  assert.match(error.message, /^password authentication failed for user "dotdo"$/);
});
check("unknown database", async () => {
  const wrong = new URL(url);
  wrong.pathname = "/no_such_database";
  const error = await failure(neon(wrong.href).query("select 1"));
  assert.deepEqual([error.code, error.message], ["3D000", 'database "no_such_database" does not exist']);
});

// Transactions
check("a transaction gives each result", async () => {
  const results = await sql.transaction([sql`select 1 as a`, sql`select ${"x"}::text as b`]);
  assert.deepEqual(results, [[{ a: 1 }], [{ b: "x" }]]);
});
check("a transaction commits together", async () => {
  await sql.transaction((tx) => [
    tx`insert into neon_driver.item (id, name) values (10, 'ten')`,
    tx`update neon_driver.item set price = 3 where id = 10`,
  ]);
  assert.equal(await count("id = 10 and price = 3"), 1);
});
check("a failing transaction leaves nothing", async () => {
  const error = await failure(sql.transaction([
    sql`insert into neon_driver.item (id, name) values (20, 'twenty')`,
    sql`select 1 / 0`,
    sql`insert into neon_driver.item (id, name) values (21, 'more')`,
  ]));
  assert.equal(error.code, "22012");
  assert.equal(await count("id in (20, 21)"), 0);
});
check("two statements in one query of a transaction are refused", async () => {
  const error = await failure(sql.transaction([
    sql`insert into neon_driver.item (id, name) values (22, 'x')`, sql.query("select 1; select 2")]));
  assert.equal(error.code, "42601");
  assert.equal(await count("id = 22"), 0);
});
check("statements of a transaction see one another", async () => {
  const [, rows] = await sql.transaction([sql`create temporary table seen on commit drop as select 5 as x`, sql`select x from seen`]);
  assert.deepEqual(rows, [{ x: 5 }]);
});
for (const [level, shown] of Object.entries({
  ReadUncommitted: "read uncommitted", ReadCommitted: "read committed", RepeatableRead: "repeatable read", Serializable: "serializable" })) {
  check(`isolation level ${level}`, async () => {
    const [[row]] = await sql.transaction([sql`show transaction_isolation`], { isolationLevel: level });
    assert.deepEqual(row, { transaction_isolation: shown });
  });
}
check("unknown isolation level", async () =>
  assert.match((await failure(sql.transaction([sql`select 1`], { isolationLevel: "Snapshot" }))).message, /isolation level/));
check("read-only transaction refuses a write", async () => {
  const error = await failure(sql.transaction([sql`insert into neon_driver.item (id, name) values (30, 'x')`], { readOnly: true }));
  assert.equal(error.code, "25006");
});
check("readOnly: false is read-write", async () => {
  const [[row]] = await sql.transaction([sql`show transaction_read_only`], { readOnly: false });
  assert.deepEqual(row, { transaction_read_only: "off" });
});
check("deferrable transaction", async () => {
  const [[row]] = await sql.transaction([sql`show transaction_deferrable`], {
    isolationLevel: "Serializable", readOnly: true, deferrable: true });
  assert.deepEqual(row, { transaction_deferrable: "on" });
});
check("array mode and full results in a transaction", async () => {
  const [result] = await sql.transaction([sql`select 1 as a, 2 as a`], { arrayMode: true, fullResults: true });
  assert.deepEqual([result.rows, result.rowAsArray, result.command, result.rowCount], [[[1, 2]], true, "SELECT", 1]);
});
check("empty transaction", async () => assert.deepEqual(await sql.transaction([]), []));

// What one request leaves for the next
check("a lone begin opens nothing for the next request", async () => {
  await sql.query("begin");
  await sql.query(`insert into ${item} (id, name) values (40, 'forty')`);
  await sql.query("rollback");
  assert.equal(await count("id = 40"), 1);
});
check("a setting does not outlive its request", async () => {
  await sql.query("set statement_timeout = '7s'");
  const shown = await Promise.all(Array.from({ length: 8 }, () => value("show statement_timeout")));
  assert.deepEqual(new Set(shown), new Set(["0"]));
});
check("60 requests at once", async () => {
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => value("select $1::int", [i])));
  assert.deepEqual(answers, Array.from({ length: 60 }, (_, i) => i));
});

for (const { name, run } of checks) {
  let problem = null;
  try {
    await run();
  } catch (error) {
    problem = `${error.stack ?? error}`;
  }
  console.log(JSON.stringify({ name, problem }));
}
