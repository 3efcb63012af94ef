// node as a host of devices: a call is a line of JSON on stdin, its answer one on stdout.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { devices } from "./device.mjs";

const call = devices(await import(pathToFileURL(process.argv[2])));
const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

for await (const line of createInterface({ input: process.stdin })) {
  const { id, args } = JSON.parse(line);
  call(...args).then(
    (value) => say({ id, value }),
    (error) => say({ id, error: String(error.stack ?? error) }),
  );
}
process.exit(0);
