// Fills a local stack's bucket: `node local_bucket.mjs STORAGE KEY…`. What is stored under a key is the key itself.
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const [storage, ...keys] = process.argv.slice(2);
const runtime = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    cf: false,
    resourcePersistencePath: storage,
    workers: [
      {
        name: "writer",
        modules: [{ type: "ESModule", path: "writer.mjs", contents: "export default {}" }],
        compatibilityDate: "2026-09-08",
        r2Buckets: { BUCKET: "dotdo-backups" },
      },
    ],
  }),
);
const BUCKET = await runtime.getR2Bucket("BUCKET");
for (const key of keys) await BUCKET.put(key, key);
await runtime.dispose();
