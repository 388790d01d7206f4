// Runs Workers on workerd: `node workers.mjs CONFIGURATION.json`, written by workers.py.
//
// One workerd process with all Workers, each on a port of its own, their service bindings direct. A change of a watched
// folder loads the changed modules into the running Workers. Ends on SIGTERM; the runtime ends with it.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, watch } from "node:fs";
import { basename, dirname, extname, join, relative, sep } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

const NAMESPACE_PLUGIN = join(import.meta.dirname, "namespace_plugin.mjs");

const configuration = JSON.parse(readFileSync(process.argv[2], "utf8"));

// The module types wrangler uploads with: source by its rules, packages as data but for the SDK's own JavaScript.
const SOURCE_TYPES = {
  ".py": "PythonModule",
  ".txt": "Text",
  ".html": "Text",
  ".json": "Text",
  ".sql": "Text",
  ".bin": "Data",
};

function packageType(name) {
  return /^python_modules\/workers\/.*\.m?js$/.test(name) ? "ESModule" : "Data";
}

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && !entry.name.endsWith(".pyc")) {
      yield relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/");
    }
  }
}

function pythonModules(worker) {
  const sources = [...files(worker.sources)]
    .filter((name) => extname(name) in SOURCE_TYPES)
    .sort((a, b) => (b === worker.main) - (a === worker.main)); // the first module is the entrypoint
  const modules = sources.map((name) => ({
    type: SOURCE_TYPES[extname(name)],
    path: name,
    contents: readFileSync(join(worker.sources, name)),
  }));
  for (const { folder, prefix, skip } of worker.vendored) {
    for (const file of files(folder)) {
      if (skip && file.startsWith(`${skip}/`)) continue;
      const path = `python_modules/${prefix}${file}`;
      modules.push({ type: packageType(path), path, contents: readFileSync(join(folder, file)) });
    }
  }
  return [...modules, ...compiled(modules)];
}

// The bytecode of those that were compiled before: never of one that has been edited since.
function* compiled(modules) {
  if (!configuration.bytecode) return;
  for (const { path, contents } of modules) {
    if (extname(path) !== ".py") continue;
    const file = join(configuration.bytecode, `${createHash("sha256").update(contents).digest("hex")}.pyc`);
    if (!existsSync(file)) continue;
    const name = `${basename(path, ".py")}.cpython-314.pyc`;
    yield { type: "Data", path: join(dirname(path), "__pycache__", name), contents: readFileSync(file) };
  }
}

function options() {
  return convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.WARN),
    logRequests: false,
    resourcePersistencePath: configuration.persist,
    inspectorPort: configuration.inspector_port || undefined,
    workers: configuration.workers.map((worker) => ({
      name: worker.name,
      modules: worker.script
        ? [{ type: "ESModule", path: "worker.mjs", contents: worker.script }]
        : pythonModules(worker),
      compatibilityDate: worker.compatibility_date,
      compatibilityFlags: worker.compatibility_flags,
      bindings: worker.variables,
      serviceBindings: worker.services,
      kvNamespaces: worker.kv,
      r2Buckets: worker.r2,
      ratelimits: worker.ratelimits,
      unsafeBindings: Object.entries(worker.namespaces ?? {}).map(([name, workers]) => ({
        name,
        type: "dispatch-namespace",
        plugin: { package: NAMESPACE_PLUGIN, name: "local-dispatch-namespace" },
        options: { workers },
      })),
      unsafeDirectSockets: worker.port ? [{ host: "127.0.0.1", port: worker.port }] : [],
      stripCfConnectingIp: false,
    })),
  });
}

let serving = options();
const runtime = new Miniflare(serving);

async function stop() {
  await runtime.dispose();
  process.exit(0);
}
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

try {
  await runtime.ready;
} catch {
  process.exit(1); // workerd has printed the traceback already
}
console.log(JSON.stringify({ event: "runtime.ready", workers: configuration.workers.map((worker) => worker.name) }));

// One reload at a time, and none when an editor has only touched a file.
let reloading = Promise.resolve();
async function reload() {
  const started = performance.now();
  const changed = options();
  if (isDeepStrictEqual(changed.workers, serving.workers)) return;
  try {
    await runtime.setOptions(changed);
    serving = changed;
    console.log(JSON.stringify({ event: "runtime.reloaded", duration_ms: Math.round(performance.now() - started) }));
  } catch (error) {
    if (error.code !== "ERR_RUNTIME_FAILURE") throw error;
    console.error("The change could not be loaded, for the reason above. The code from before it goes on serving.");
    await runtime.setOptions(serving);
  }
}

let pending;
for (const folder of configuration.watch) {
  watch(folder, { recursive: true }, (_, file) => {
    if (!file || file.includes("__pycache__")) return;
    clearTimeout(pending);
    pending = setTimeout(() => (reloading = reloading.then(reload)), 100);
  });
}
