// Drives the local server with ClickHouse's own Node client: `node clickhouse_client.mjs URL USER PASSWORD DATABASE`.
// Prints one JSON line a check.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { createClient, ClickHouseError, ClickHouseLogLevel, TupleParam } from "@clickhouse/client";

const [url, username, password, database] = process.argv.slice(2);
const options = { url, username, password, database, log: { level: ClickHouseLogLevel.OFF }, request_timeout: 20_000 };
const client = createClient(options);

const checks = [];
const check = (name, run) => checks.push({ name, run });
const ENDLESS = "select count() from numbers(1000000000000)";
const HOSTILE = "it's \"quoted\" \\ back\\slash \n new\tline \r {x:Int8} ; -- äöü 日本 🎉 \\' \\N";

const rows = async (query, more = {}) => (await client.query({ query, format: "JSONEachRow", ...more })).json();
const value = async (query, more = {}) => Object.values((await rows(query, more))[0])[0];
const parameter = async (type, given) => value(`select {v:${type}} as v`, { query_params: { v: given }, clickhouse_settings: { output_format_json_quote_64bit_integers: 1 } });
const running = async (id) => Number(await value("select count() as c from system.processes where Settings['query_cache_tag'] = {id:String}", { query_params: { id } }));

async function until(condition) {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) assert.ok(Date.now() < deadline, "waited in vain");
}

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail("it was expected to fail");
}

async function table(columns, engine = "MergeTree order by tuple()") {
  const name = `t_${randomUUID().replaceAll("-", "")}`;
  await client.command({ query: `create table ${name} (${columns}) engine = ${engine}` });
  return name;
}

// Connection
check("ping", async () => assert.deepEqual(await client.ping(), { success: true }));
check("ping with a query", async () => assert.deepEqual(await client.ping({ select: true }), { success: true }));
check("a wrong password", async () => {
  const stranger = createClient({ ...options, password: "wrong" });
  const error = await failure(stranger.query({ query: "select 1" }));
  assert.ok(error instanceof ClickHouseError);
  assert.equal(error.code, "516");
  assert.equal(error.type, "AUTHENTICATION_FAILED");
  assert.equal((await stranger.ping({ select: true })).success, false);
  await stranger.close();
});
check("the database of the connection", async () => assert.equal(await value("select currentDatabase() as d"), database));
check("query ids", async () => {
  const query_id = randomUUID();
  const result = await client.query({ query: "select 1", query_id });
  assert.equal(result.query_id, query_id);
  assert.equal(result.response_headers["x-clickhouse-query-id"], query_id);
  await result.text();
});

// Formats
check("JSON", async () => {
  const result = await client.query({ query: "select number, toString(number) as s from numbers(3)", format: "JSON" });
  const found = await result.json();
  assert.deepEqual(found.meta, [{ name: "number", type: "UInt64" }, { name: "s", type: "String" }]);
  assert.equal(found.rows, 3);
  assert.equal(found.data[2].s, "2");
  assert.equal(found.statistics.rows_read, 3);
});
check("JSONEachRow", async () => assert.deepEqual(await rows("select 1 as a, 'x' as b"), [{ a: 1, b: "x" }]));
check("JSONCompactEachRowWithNamesAndTypes", async () => {
  const result = await client.query({
    query: "select number as n, toString(number) as s from numbers(100000)",
    format: "JSONCompactEachRowWithNamesAndTypes",
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0, max_block_size: "1000" },
  });
  const found = await result.json();
  assert.deepEqual(found.slice(0, 3), [["n", "s"], ["UInt64", "String"], [0, "0"]]);
  assert.equal(found.length, 100_002);
  assert.deepEqual(found.at(-1), [99_999, "99999"]);
});
for (const format of ["JSONCompact", "JSONStrings", "JSONObjectEachRow", "JSONColumnsWithMetadata"]) {
  check(`${format} is one document`, async () => {
    const result = await client.query({ query: "select number from numbers(70000)", format });
    assert.ok(Object.keys(await result.json()).length > 0);
  });
}
check("CSV and TSV texts", async () => {
  assert.equal(await (await client.query({ query: "select 1, 'a\"b'", format: "CSV" })).text(), '1,"a""b"\n');
  assert.equal(await (await client.query({ query: "select 1 as x, 'a' as y", format: "TabSeparatedWithNames" })).text(), "x\ty\n1\ta\n");
});
check("JSONEachRowWithProgress", async () => {
  const result = await client.query({ query: "select number from numbers(3)", format: "JSONEachRowWithProgress" });
  const found = [];
  for await (const batch of result.stream()) for (const row of batch) found.push(row.json());
  assert.equal(found.filter((row) => "row" in row).length, 3);
});
check("Parquet", async () => {
  const result = await client.exec({ query: "select number from numbers(1000) format Parquet" });
  const parts = [];
  for await (const part of result.stream) parts.push(part);
  const file = Buffer.concat(parts);
  assert.equal(file.subarray(0, 4).toString(), "PAR1");
  assert.equal(file.subarray(-4).toString(), "PAR1");
});
check("an empty result", async () => {
  assert.deepEqual(await rows("select 1 as a where 0"), []);
  assert.equal((await (await client.query({ query: "select 1 as a where 0", format: "JSON" })).json()).rows, 0);
});
check("a large result, row by row", async () => {
  const result = await client.query({ query: "select number, repeat('x', 100) as t from numbers(600000)", format: "JSONEachRow" });
  let count = 0;
  for await (const batch of result.stream()) count += batch.length;
  assert.equal(count, 600_000);
});

// Parameters
const PARAMETERS = [
  ["String", HOSTILE], ["String", ""], ["Nullable(String)", null], ["Bool", true], ["Bool", false], ["Int32", -42],
  ["UInt64", 18446744073709551615n, "18446744073709551615"], ["Float64", 1.5], ["Float64", Number.POSITIVE_INFINITY, null],
  ["Decimal(20, 5)", "12345.67890", 12345.6789], ["Date", "2026-02-03"], ["DateTime('UTC')", new Date("2026-02-03T04:05:06Z"), "2026-02-03 04:05:06"],
  ["DateTime64(3, 'UTC')", new Date("2026-02-03T04:05:06.789Z"), "2026-02-03 04:05:06.789"], ["DateTime64(9, 'UTC')", "2026-02-03 04:05:06.123456789"],
  ["UUID", "0190c2a0-0000-7000-8000-000000000001"], ["IPv4", "127.0.0.1"], ["Enum('a' = 1, 'b' = 2)", "b"], ["LowCardinality(String)", HOSTILE],
  ["Array(String)", ["a", HOSTILE, "','", ""]], ["Array(Nullable(Int32))", [1, null, -3]], ["Array(Array(UInt8))", [[1, 2], []]],
  ["Array(DateTime('UTC'))", [new Date("2026-02-03T04:05:06Z")], ["2026-02-03 04:05:06"]],
  ["Tuple(String, UInt8)", new TupleParam([HOSTILE, 7]), [HOSTILE, 7]], ["Map(String, UInt8)", { a: 1, "it's": 2 }],
];
PARAMETERS.forEach(([type, given, expected = given], index) =>
  check(`parameter ${index} ${type}`, async () => assert.deepEqual(await parameter(type, given), expected)));
check("the number of parameters", () => assert.equal(PARAMETERS.length, 24));
check("identifiers", async () => {
  const name = await table("a UInt8");
  assert.deepEqual(await rows("select count() as c from {t:Identifier}", { query_params: { t: name } }), [{ c: 0 }]);
});
check("a missing parameter", async () => assert.equal((await failure(rows("select {v:String}"))).code, "456"));
check("a wrong parameter", async () => assert.ok((await failure(parameter("UInt8", "x"))).code));
check("parameters too long for a URL", async () => {
  const long = HOSTILE.repeat(10_000);
  const more = { query_params: { v: long }, use_multipart_params: true };
  assert.equal(await value("select {v:String} as v", more), long);
  const automatic = { query_params: { v: long }, use_multipart_params_auto: true };
  assert.equal(await value("select {v:String} as v", automatic), long);
});

// Inserts
check("insert JSONEachRow", async () => {
  const name = await table("id UInt32, text String, tags Array(String), at DateTime64(3, 'UTC'), none Nullable(Int8)");
  const given = [1, 2].map((id) => ({ id, text: HOSTILE, tags: [HOSTILE, ""], at: "2026-02-03 04:05:06.789", none: null }));
  const inserted = await client.insert({ table: name, values: given, format: "JSONEachRow" });
  assert.equal(inserted.executed, true);
  assert.equal(inserted.summary.written_rows, "2");
  assert.deepEqual(await rows(`select * from ${name} order by id`), given);
});
check("insert some columns, and all but some", async () => {
  const name = await table("a UInt8, b UInt8 default 9, c UInt8 default 8");
  await client.insert({ table: name, values: [[1]], format: "JSONCompactEachRow", columns: ["a"] });
  await client.insert({ table: name, values: [{ a: 2, c: 3 }], format: "JSONEachRow", columns: { except: ["b"] } });
  assert.deepEqual(await rows(`select * from ${name} order by a`), [{ a: 1, b: 9, c: 8 }, { a: 2, b: 9, c: 3 }]);
});
check("insert of an empty list", async () => assert.equal((await client.insert({ table: await table("a UInt8"), values: [] })).executed, false));
check("insert a stream of objects", async () => {
  const name = await table("id UInt32, text String");
  const source = function* () {
    for (let id = 0; id < 50_000; id++) yield { id, text: `line\n\n${id}` };
  };
  await client.insert({ table: name, values: Readable.from(source(), { objectMode: true }), format: "JSONEachRow" });
  assert.deepEqual(await rows(`select toUInt32(count()) as c, toUInt32(max(id)) as m from ${name}`), [{ c: 50_000, m: 49_999 }]);
});
check("insert a stream of text", async () => {
  const name = await table("a UInt32, b String");
  await client.insert({ table: name, values: Readable.from(["1,x\n2,", "y\n", "3,z\n"], { objectMode: false }), format: "CSV" });
  assert.deepEqual(await rows(`select * from ${name} order by a`), [{ a: 1, b: "x" }, { a: 2, b: "y" }, { a: 3, b: "z" }]);
});
check("a stream that fails stores nothing", async () => {
  const name = await table("a UInt32");
  const source = async function* () {
    yield { a: 1 };
    throw new Error("the source failed");
  };
  await failure(client.insert({ table: name, values: Readable.from(source(), { objectMode: true }), format: "JSONEachRow" }));
  assert.deepEqual(await rows(`select toUInt8(count()) as c from ${name}`), [{ c: 0 }]);
});
check("insert with settings", async () => {
  const name = await table("a UInt32, at DateTime('UTC')", "MergeTree order by a settings non_replicated_deduplication_window = 10");
  const insert = (a, token) => client.insert({
    table: name, values: [{ a, at: "2026-02-03T04:05:06Z", more: 1 }], format: "JSONEachRow",
    clickhouse_settings: { date_time_input_format: "best_effort", input_format_skip_unknown_fields: 1, insert_deduplication_token: token, async_insert: 1, wait_for_async_insert: 1 },
  });
  for (const [a, token] of [[1, "one"], [2, "one"], [3, "two"]]) await insert(a, token);
  assert.deepEqual(await rows(`select a from ${name} order by a`), [{ a: 1 }, { a: 3 }]);
});
check("bad data", async () => {
  const name = await table("a UInt8");
  assert.equal((await failure(client.insert({ table: name, values: [{ a: "x" }], format: "JSONEachRow" }))).code, "27");
  assert.equal((await failure(client.insert({ table: "no_such", values: [{ a: 1 }], format: "JSONEachRow" }))).code, "60");
});

// Commands
check("command", async () => {
  const name = await table("a UInt8");
  const done = await client.command({ query: `insert into ${name} select number from numbers(4)` });
  assert.equal(done.summary.written_rows, "4");
  await client.command({ query: `alter table ${name} delete where a < {limit:UInt8}`, query_params: { limit: 2 }, clickhouse_settings: { mutations_sync: "1", wait_end_of_query: 1 } });
  assert.deepEqual(await rows(`select a from ${name} order by a`), [{ a: 2 }, { a: 3 }]);
  await client.command({ query: `drop table ${name}` });
});
check("exec", async () => {
  const { stream } = await client.exec({ query: "select 'from exec' format TSV" });
  let text = "";
  for await (const part of stream) text += part;
  assert.equal(text, "from exec\n");
});
check("exec with values", async () => {
  const name = await table("a UInt8, b String");
  const { stream } = await client.exec({ query: `insert into ${name} format CSV`, values: Readable.from("1,x\n2,y\n", { objectMode: false }) });
  stream.resume();
  assert.equal((await rows(`select * from ${name}`)).length, 2);
});
check("a session", async () => {
  const mine = createClient({ ...options, session_id: randomUUID(), max_open_connections: 1 });
  await mine.command({ query: "create temporary table kept (a UInt8)" });
  await mine.insert({ table: "kept", values: [{ a: 5 }], format: "JSONEachRow" });
  assert.deepEqual(await (await mine.query({ query: "select a from kept", format: "JSONEachRow" })).json(), [{ a: 5 }]);
  await mine.close();
});

// Errors and ends
check("errors have codes and types", async () => {
  const expected = { "select nope": ["47", "UNKNOWN_IDENTIFIER"], "selec 1": ["62", "SYNTAX_ERROR"], "select * from nope": ["60", "UNKNOWN_TABLE"], "select 1; select 2": ["62", "SYNTAX_ERROR"] };
  for (const [query, [code, type]] of Object.entries(expected)) {
    const error = await failure(client.query({ query }));
    assert.ok(error instanceof ClickHouseError, `${error}`);
    assert.deepEqual([error.code, error.type], [code, type]);
  }
});
check("limits", async () => {
  const error = await failure(client.query({ query: ENDLESS, clickhouse_settings: { max_execution_time: 1 } }));
  assert.equal(error.type, "TIMEOUT_EXCEEDED");
});
check("an error in mid-result", async () => {
  const query = "select throwIf(number = 3000000, 'on purpose') as t, number from numbers(100000000)";
  const result = await client.query({ query, format: "JSONEachRow", clickhouse_settings: { max_threads: 1 } });
  const error = await failure((async () => {
    for await (const batch of result.stream()) assert.ok(batch.length);
  })());
  assert.match(`${error.message}`, /on purpose/);
  assert.deepEqual(await rows("select 1 as a"), [{ a: 1 }]);
});
check("abort of a running query", async () => {
  const controller = new AbortController();
  const query_id = randomUUID();
  const asking = failure(client.query({ query: ENDLESS, query_id, abort_signal: controller.signal }));
  await until(() => running(query_id));
  controller.abort();
  assert.match((await asking).message, /aborted/);
  await until(async () => !(await running(query_id)));
});
check("abort while a result is read", async () => {
  const controller = new AbortController();
  const query_id = randomUUID();
  const result = await client.query({ query: "select number from numbers(1000000000000)", format: "JSONEachRow", query_id, abort_signal: controller.signal });
  for await (const batch of result.stream()) {
    assert.ok(batch.length);
    break;
  }
  controller.abort();
  await until(async () => !(await running(query_id)));
});
check("kill by query id", async () => {
  const query_id = randomUUID();
  const asking = failure(client.query({ query: ENDLESS, query_id }));
  await until(() => running(query_id));
  await client.command({ query: "kill query where query_id = {id:String} sync", query_params: { id: query_id } });
  assert.equal((await asking).type, "QUERY_WAS_CANCELLED");
});
check("queries at the same time", async () => {
  const found = await Promise.all(Array.from({ length: 30 }, (_, number) => value("select {n:UInt8} as n", { query_params: { n: number } })));
  assert.deepEqual(found, Array.from({ length: 30 }, (_, number) => number));
});

// Compression
for (const [response, request] of [[true, false], [false, true], [true, true], [{ codec: "zstd" }, { codec: "zstd" }], [{ codec: "gzip" }, { codec: "gzip" }]]) {
  check(`compression ${JSON.stringify([response, request])}`, async () => {
    const packed = createClient({ ...options, compression: { response, request } });
    const name = await table("id UInt32, text String");
    const values = Array.from({ length: 5_000 }, (_, id) => ({ id, text: `${HOSTILE} ${id}` }));
    await packed.insert({ table: name, values, format: "JSONEachRow" });
    for (const format of ["JSONEachRow", "JSON"]) {
      const result = await packed.query({ query: `select * from ${name} order by id`, format });
      assert.equal(result.response_headers["content-encoding"] !== undefined, Boolean(response));
      const found = await result.json();
      assert.deepEqual(format === "JSON" ? found.data : found, values);
    }
    assert.equal((await failure(packed.query({ query: "select nope" }))).code, "47");
    await packed.close();
  });
}

for (const { name, run } of checks) {
  let problem = null;
  try {
    await run();
  } catch (error) {
    problem = error.stack ?? `${error}`;
  }
  console.log(JSON.stringify({ name, problem }));
}
await client.close();
