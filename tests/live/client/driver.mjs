// node as a host of devices: a call is a line of JSON on stdin, its answer one on stdout.

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { devices } from "./device.mjs";

// The WebSocket of node 20 says nothing of a connect that failed but `error`: no `close`, by which the client tries again,
// and no other state. Later ones do as the standard has it. `transport` is an option of the client.
class NodeSocket extends WebSocket {
  #failed = false;

  constructor(...args) {
    super(...args);
    this.addEventListener("error", () => {
      if (super.readyState !== WebSocket.CONNECTING) return;
      this.#failed = true;
      this.dispatchEvent(Object.assign(new Event("close"), { code: 1006, reason: "" }));
    });
  }

  get readyState() {
    return this.#failed ? WebSocket.CLOSED : super.readyState;
  }
}

const call = devices(await import(pathToFileURL(process.argv[2])), NodeSocket);
const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");

for await (const line of createInterface({ input: process.stdin })) {
  const { id, args } = JSON.parse(line);
  call(...args).then(
    (value) => say({ id, value }),
    (error) => say({ id, error: String(error.stack ?? error) }),
  );
}
process.exit(0);
