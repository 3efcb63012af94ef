// The connection: the official client's socket with the channel `chat` on it, back from wherever it was dropped.

import { Socket } from "./vendored/phoenix.mjs";
import { Unwelcome } from "./tokens.js";

const TOPIC = "chat";

/** Milliseconds before the next try to connect. Many come back at once when a server stops: each at its own time. */
const PAUSES = [50, 300, 1000, 2000, 4000, 8000, 15_000];

/** Tries that fail before we say that there is nobody. */
const HOPES = 3;

export class Line {
  #url;
  #tokens;
  #cursor;
  #fallback;
  #on;
  #socket = null;
  #channel = null;
  #isJoined = false;
  #wasIn = false;
  #isOver = false;
  #early = [];
  #pushes = new Set();
  #failures = 0;
  #user = "";

  /** `url` is where sockets are, without `/websocket`; after `fallback` milliseconds without one polls will do (0:
      never). `on` has `status(name)`: connecting, online, offline, away or ended; `joined(reply, user)`, with whose
      token; `message(payload)`; `forgotten()`; `ended(reason)`. */
  constructor({ url, tokens, cursor, fallback, on }) {
    this.#url = url;
    this.#fallback = fallback;
    this.#tokens = tokens;
    this.#cursor = cursor;
    this.#on = on;
    addEventListener("online", this.#hurry);
    addEventListener("offline", this.#fail);
  }

  /** Connect, or begin again after the end: `isNew` asks for another token, where there is somebody to ask. */
  async connect({ isNew = false } = {}) {
    this.#isOver = false;
    this.#failures = 0;
    this.#on.status("connecting");
    try {
      if (isNew && this.#tokens.canRenew) await this.#tokens.renew();
      await this.#tokens.usable();
    } catch (error) {
      return this.#noToken(error);
    }
    if (!this.#isOver) this.#open();
  }

  /** Be there no more. */
  close() {
    this.#stop();
    removeEventListener("online", this.#hurry);
    removeEventListener("offline", this.#fail);
  }

  /** Say something. Resolves to {status, response}: ok, error, timeout, or lost with the connection. */
  push(event, payload) {
    if (!this.#isJoined) return Promise.resolve({ status: "lost" });
    return new Promise((resolve) => {
      const settle = (status) => (response) => {
        this.#pushes.delete(lost);
        resolve({ status, response });
      };
      const lost = settle("lost");
      this.#pushes.add(lost);
      const push = this.#channel.push(event, payload);
      for (const status of ["ok", "error", "timeout"]) push.receive(status, settle(status));
    });
  }

  #open() {
    const memory = new Map();
    this.#socket = new Socket(this.#url, {
      authToken: () => {
        this.#user = this.#tokens.user;
        return this.#tokens.current;
      },
      longPollFallbackMs: this.#fallback || undefined,
      reconnectAfterMs: (tries) => (PAUSES[tries - 1] ?? PAUSES.at(-1)) * (0.5 + Math.random()),
      // Nothing of it is kept on the device, nor asked for where the browser keeps storage closed.
      sessionStorage: { getItem: (key) => memory.get(key) ?? null, setItem: (key, value) => memory.set(key, value) },
    });
    this.#socket.onError(() => this.#lost(true));
    this.#socket.onClose(() => this.#lost(false));
    this.#socket.onMessage(({ event, payload }) => event === "session_ended" && this.#end(payload?.reason));
    this.#channel = this.#socket.channel(TOPIC, () => this.#cursor.asked());
    this.#channel.on("message", (payload) => (this.#isJoined ? this.#on.message(payload) : this.#early.push(payload)));
    this.#channel.on("forgotten", () => this.#on.forgotten());
    this.#channel.on("token_expiring", () => this.#refresh());
    this.#channel.onError(() => this.#drop());
    this.#channel.onClose(() => this.#end());
    this.#socket.connect();
    this.#channel
      .join()
      .receive("ok", (reply) => this.#joined(reply))
      .receive("error", () => this.#on.status("away"));
  }

  #joined(reply) {
    this.#failures = 0;
    this.#isJoined = this.#wasIn = true;
    this.#on.status("online");
    this.#on.joined(reply, this.#user);
    this.#early.splice(0).forEach((payload) => this.#on.message(payload));
  }

  /** The channel is not there for now: what was on its way may have arrived or not. */
  #drop() {
    this.#isJoined = false;
    this.#early = [];
    if (!this.#isOver) this.#on.status(navigator.onLine ? "connecting" : "offline");
    const pushes = [...this.#pushes];
    this.#pushes.clear();
    pushes.forEach((lost) => lost());
  }

  #lost(isFailure) {
    if (this.#isOver) return;
    if (isFailure) this.#failures += 1;
    if (!navigator.onLine) this.#on.status("offline");
    else if (this.#failures >= HOPES) this.#on.status("away");
    if (this.#failures >= HOPES && this.#tokens.isStale && !this.#tokens.canRenew) return this.#end("token_expired");
    // A token that is over is refused like a server that is down: another one cannot hurt.
    if (this.#tokens.canRenew && (this.#tokens.isStale || this.#failures === HOPES)) {
      this.#tokens.renew().catch((error) => error instanceof Unwelcome && this.#unwelcome());
    }
  }

  async #refresh() {
    if (!this.#tokens.canRenew) return;
    try {
      await this.push("token", { token: await this.#tokens.renew() });
    } catch {
      // The server says when it is over.
    }
  }

  #noToken(error) {
    if (error instanceof Unwelcome) return this.#unwelcome();
    this.#on.status("away");
    setTimeout(() => this.#isOver || this.connect(), PAUSES[4] * (0.5 + Math.random()));
  }

  /** Who was never in on this page was not logged out either. */
  #unwelcome() {
    this.#end(this.#wasIn ? "logged_out" : "not_logged_in");
  }

  #end(reason = "stopped") {
    if (this.#isOver) return;
    this.#stop();
    this.#on.status("ended");
    this.#on.ended(reason);
  }

  #stop() {
    this.#isOver = true;
    this.#drop();
    this.#socket?.disconnect();
    this.#socket = this.#channel = null;
  }

  /** The device has a network again, maybe another one, over which what was open leads nowhere: why wait? */
  #hurry = () => {
    if (this.#isOver || !this.#socket) return;
    this.#on.status("connecting");
    this.#socket.disconnect();
    this.#socket.connect();
  };

  #fail = () => {
    if (!this.#isOver) this.#on.status("offline");
  };
}
