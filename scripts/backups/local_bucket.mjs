// Copies a backup out of a local stack's bucket: `node local_bucket.mjs STORAGE BUCKET ID FOLDER PREFIX…`. Prints its id, which is
// that of the newest complete one for the ID `latest`. It is looked for right below each PREFIX.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const [storage, bucket, wanted, folder, ...prefixes] = process.argv.slice(2);
const runtime = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    cf: false,
    resourcePersistencePath: storage,
    workers: [
      {
        name: "reader",
        modules: [{ type: "ESModule", path: "reader.mjs", contents: "export default {}" }],
        compatibilityDate: "2026-09-08",
        r2Buckets: { BUCKET: bucket },
      },
    ],
  }),
);
const BUCKET = await runtime.getR2Bucket("BUCKET");

async function keys(start) {
  const found = [];
  for (let cursor; ; ) {
    const page = await BUCKET.list({ prefix: start, cursor });
    found.push(...page.objects.map((object) => object.key));
    if (!page.truncated) return found;
    cursor = page.cursor;
  }
}

const found = new Map();
for (const prefix of prefixes) {
  for (const key of await keys(prefix)) {
    const [id, file, ...below] = key.slice(prefix.length).split("/");
    if (file === "manifest.json" && below.length === 0 && !found.has(id)) found.set(id, `${prefix}${id}/`);
  }
}
const id = wanted === "latest" ? [...found.keys()].sort().at(-1) : wanted;
if (found.has(id)) {
  const from = found.get(id);
  await mkdir(folder, { recursive: true });
  for (const key of await keys(from)) {
    const object = await BUCKET.get(key);
    await writeFile(join(folder, key.slice(from.length)), Buffer.from(await object.arrayBuffer()));
  }
  console.log(id);
} else {
  process.exitCode = 3;
}
await runtime.dispose();
