// Runs Workers on workerd: `node workers.mjs CONFIGURATION.json`, written by workers.py.
//
// One workerd process with all Workers, each on a port of its own, their service bindings direct. A change of a watched
// folder loads the changed modules into the running Workers. Ends on SIGTERM; the runtime ends with it.
import { readFileSync, readdirSync, watch } from "node:fs";
import { join, relative, sep } from "node:path";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";

const configuration = JSON.parse(readFileSync(process.argv[2], "utf8"));

// The module types wrangler uploads with: source by rule, packages as data but for the SDK's own JavaScript.
function moduleType(name, vendored) {
  if (!vendored) return name.endsWith(".py") ? "PythonModule" : "Data";
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
  const sources = [...files(worker.sources)].sort((a, b) => (b === worker.main) - (a === worker.main));
  const modules = sources.map((name) => ({
    type: moduleType(name, false),
    path: name,
    contents: readFileSync(join(worker.sources, name)),
  }));
  for (const { folder, prefix, skip } of worker.vendored) {
    for (const file of files(folder)) {
      if (skip && file.startsWith(`${skip}/`)) continue;
      const path = `python_modules/${prefix}${file}`;
      modules.push({ type: moduleType(path, true), path, contents: readFileSync(join(folder, file)) });
    }
  }
  return modules;
}

function options() {
  return convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.WARN),
    logRequests: false,
    resourcePersistencePath: configuration.persist,
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
      unsafeDirectSockets: worker.port ? [{ host: "127.0.0.1", port: worker.port }] : [],
      stripCfConnectingIp: false,
    })),
  });
}

const runtime = new Miniflare(options());

async function stop() {
  await runtime.dispose();
  process.exit(0);
}
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

await runtime.ready;
console.log(JSON.stringify({ event: "runtime.ready", workers: configuration.workers.map((worker) => worker.name) }));

let pending;
async function reload() {
  const started = performance.now();
  try {
    await runtime.setOptions(options());
    console.log(JSON.stringify({ event: "runtime.reloaded", duration_ms: Math.round(performance.now() - started) }));
  } catch (error) {
    console.error(`The change could not be loaded: ${error.message}`);
  }
}
for (const folder of configuration.watch) {
  watch(folder, { recursive: true }, (_, file) => {
    if (!file || file.includes("__pycache__")) return;
    clearTimeout(pending);
    pending = setTimeout(reload, 100);
  });
}
