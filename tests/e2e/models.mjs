// In place of Workers AI and of the platform's queue: fails for what is poisoned, and keeps the jobs.
import { WorkerEntrypoint } from "cloudflare:workers";

const jobs = [];

export default class extends WorkerEntrypoint {
  run(model, { text }) {
    if (text.some((one) => one.includes("poison"))) throw new Error("3010: Invalid or incomplete input");
    return { shape: [text.length, 768], data: text.map((one) => Array(768).fill(1 / (1 + one.length))) };
  }

  enqueue(job) {
    jobs.push(job);
  }

  enqueued(namespace) {
    return jobs.filter(({ payload }) => payload.ns === namespace);
  }
}
