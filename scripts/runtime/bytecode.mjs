// Runs bytecode_job.py in Pyodide: `node bytecode.mjs`, the job as JSON on its input. `pyodide` is the folder of the npm
// package; the rest is the Python file's to read.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const job = JSON.parse(readFileSync(0, "utf8"));
const { loadPyodide } = await import(pathToFileURL(join(job.pyodide, "pyodide.mjs")).href);
const python = await loadPyodide();
python.FS.mkdir("/host");
python.mountNodeFS("/host", "/");
python.globals.set("JOB", JSON.stringify(job));
python.runPython(readFileSync(join(import.meta.dirname, "bytecode_job.py"), "utf8"));
process.exit(0);
