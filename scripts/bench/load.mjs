// One round of load: `node load.mjs OPTIONS.json`, written by load.py. Prints autocannon's result.
import { readFileSync } from "node:fs";
import autocannon from "autocannon";

const { authorizations, ...options } = JSON.parse(readFileSync(process.argv[2], "utf8"));
if (authorizations.length) {
  let sent = 0;
  const setupRequest = (request) => {
    const authorization = authorizations[sent++ % authorizations.length];
    return { ...request, headers: { ...request.headers, authorization } };
  };
  options.requests = [{ setupRequest }];
}
console.log(JSON.stringify(await autocannon(options)));
