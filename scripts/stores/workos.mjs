// The vendor's WorkOS emulator on 127.0.0.1: `node workos.mjs PORT SEED_JSON`.
import { Server } from "node:net";
import { createEmulator } from "workos/emulate";

// The emulator has no setting for the address it listens on and would take every interface.
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, { port, host: "127.0.0.1" }, rest.find((argument) => typeof argument === "function"));
};

const [port, seed] = process.argv.slice(2);
const emulator = await createEmulator({ port: Number(port), seed: JSON.parse(seed) });
console.log(`WorkOS emulator at ${emulator.url}`);

process.on("SIGTERM", async () => {
  await emulator.close();
  process.exit(0);
});
