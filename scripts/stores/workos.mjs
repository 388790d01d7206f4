// The vendor's WorkOS emulator on 127.0.0.1: `node workos.mjs PORT SEED_JSON`. The variable WORKOS_WEBHOOK, if it is set, is JSON
// with a webhook's endpoint_url and secret.
import { Server } from "node:net";
import { createEmulator } from "workos/emulate";

// The emulator has no setting for the address it listens on and would take every interface.
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, { port, host: "127.0.0.1" }, rest.find((argument) => typeof argument === "function"));
};

const [port, seed] = process.argv.slice(2);
const webhook = process.env.WORKOS_WEBHOOK;
const emulator = await createEmulator({ port: Number(port), seed: JSON.parse(seed) });
// The seed's webhooks have secrets that nobody is told; this way one can be chosen.
if (webhook) {
  const headers = { authorization: `Bearer ${emulator.apiKey}`, "content-type": "application/json" };
  const answer = await fetch(`http://127.0.0.1:${port}/webhook_endpoints`, { method: "POST", headers, body: webhook });
  if (!answer.ok) throw new Error(`no webhook: ${answer.status}`);
}
console.log(`WorkOS emulator at ${emulator.url}`);

process.on("SIGTERM", async () => {
  await emulator.close();
  process.exit(0);
});
