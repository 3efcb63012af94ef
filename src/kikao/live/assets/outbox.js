// What the member said that the server has not taken yet: one after the other, each until it is taken, under one id.
// A turn that was taken twice would be one too many: what is sent again has the id of the first time.

/** Reasons that pass by themselves. */
const PASSING = new Set(["busy", "unavailable", "rate limited", "start again"]);

/** Milliseconds before what was refused so is tried again; after the last it is the member's turn. */
const DELAYS = [500, 1000, 2000, 4000, 8000];

/** Milliseconds that something secret waits for a connection, in memory alone. */
const SECRET_WAITS = 60_000;

export class Outbox {
  #items = [];
  #push;
  #tell;
  #isOpen = false;
  #isBusy = false;

  /** `push(event, payload)` resolves to {status, response}. `tell(id, state, detail)` hears sending (with the `share`
      that is there), waiting, sent, failed, refused or retype. */
  constructor(push, tell) {
    this.#push = push;
    this.#tell = tell;
  }

  /** Say something: an event, and its payloads in order, mostly one. Each has the id. */
  add(id, event, payloads, { isSecret = false } = {}) {
    this.#items.push({ id, event, payloads, isSecret, tries: 0, state: "waiting" });
    this.#tell(id, this.#isOpen ? "sending" : "waiting");
    if (isSecret) setTimeout(() => this.#done(id, "retype"), SECRET_WAITS);
    this.#pump();
  }

  /** The channel is joined, or not any more. */
  set isOpen(isOpen) {
    this.#isOpen = isOpen;
    if (isOpen) this.#pump();
    else this.#items.filter(({ state }) => state === "waiting").forEach(({ id }) => this.#tell(id, "waiting"));
  }

  /** Try again what failed. */
  again(id) {
    const item = this.#items.find((one) => one.id === id);
    if (!item) return;
    Object.assign(item, { state: "waiting", tries: 0 });
    this.#tell(id, this.#isOpen ? "sending" : "waiting");
    this.#pump();
  }

  /** Nothing of it is to be said any more. */
  clear() {
    this.#items = [];
  }

  /** The server has it: it came back from there. */
  taken(id) {
    this.#items = this.#items.filter((item) => item.id !== id);
  }

  async #pump() {
    const item = this.#items.find(({ state }) => state === "waiting");
    if (!item || !this.#isOpen || this.#isBusy) return;
    this.#isBusy = true;
    const { status, response } = await this.#send(item);
    if (status === "ok") this.#done(item.id, "sent", response);
    else if (status === "error" && !PASSING.has(response?.reason)) this.#done(item.id, item.isSecret ? "retype" : "refused", response);
    else if (status !== "lost") await this.#wait(item); // what was lost is sent when we are back
    this.#isBusy = false;
    this.#pump();
  }

  /** All of it, from the beginning: of what was sent before a drop nobody knows what arrived. */
  async #send({ id, event, payloads }) {
    let reply;
    for (const [place, payload] of payloads.entries()) {
      this.#tell(id, "sending", { share: place / payloads.length });
      reply = await this.#push(event, payload);
      if (reply.status !== "ok") break;
    }
    return reply;
  }

  async #wait(item) {
    const delay = DELAYS[item.tries++];
    if (delay !== undefined) return new Promise((resolve) => setTimeout(resolve, delay * (0.75 + Math.random() / 2)));
    if (item.isSecret) return this.#done(item.id, "retype");
    item.state = "failed";
    return this.#tell(item.id, "failed");
  }

  #done(id, state, response) {
    if (!this.#items.some((item) => item.id === id)) return;
    this.taken(id);
    this.#tell(id, state, response);
  }
}
