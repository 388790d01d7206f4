// Copies a backup out of a local stack's bucket: `node local_bucket.mjs STORAGE BUCKET PREFIX ID FOLDER`. Prints its id, which is
// that of the newest complete one for the ID `latest`.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const [storage, bucket, prefix, wanted, folder] = process.argv.slice(2);
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

const manifests = (await keys(prefix)).filter((key) => key.endsWith("/manifest.json")).sort();
const manifest = wanted === "latest" ? manifests.at(-1) : `${prefix}${wanted}/manifest.json`;
if (manifests.includes(manifest)) {
  const from = manifest.slice(0, -"manifest.json".length);
  await mkdir(folder, { recursive: true });
  for (const key of await keys(from)) {
    const object = await BUCKET.get(key);
    await writeFile(join(folder, key.slice(from.length)), Buffer.from(await object.arrayBuffer()));
  }
  console.log(from.slice(prefix.length, -1));
} else {
  process.exitCode = 3;
}
await runtime.dispose();
