// A conversation with an app: what comes over the line and what the member says, brought together in a thread.

import { Cursor } from "./cursor.js";
import { newId } from "./dom.js";
import { fitting, pieces, whereabouts } from "./files.js";
import { Line } from "./line.js";
import { Outbox } from "./outbox.js";
import { sizeOf, webAddress } from "./text.js";
import { Thread } from "./thread.js";
import { wordsIn } from "./words.js";

/** What the server takes, until it says so itself: characters of a text, octets of a file and of a piece of one. */
const LIMITS = { file: 10_000_000, piece: 45_000 };

export class Conversation {
  thread = new Thread();
  status = "";
  ended = "";
  say = wordsIn();
  locale;
  #server;
  #line;
  #outbox;
  #limits = LIMITS;
  #tell;
  #isNew = false;
  #user = "";
  #spoken = "";
  #addresses = new Map();

  /** `server` is where the app's sockets are (`https://chat.example.com/socket`), `name` tells the chats of one page
      apart, `fallback` is as of `Line`. `tell(what)` hears of each change:
      thread, status, words or another member, and of each message that is news. */
  constructor({ server, name, tokens, locale, fallback, tell }) {
    this.#server = server;
    this.locale = locale;
    this.#tell = tell;
    this.cursor = new Cursor(name ? `${server}#${name}` : server);
    this.#outbox = new Outbox(
      (event, payload) => this.#line.push(event, payload),
      (id, state, detail) => this.#became(id, state, detail),
    );
    this.#line = new Line({
      url: server.replace(/^http/, "ws"),
      tokens,
      cursor: this.cursor,
      fallback,
      on: {
        status: (status) => this.#stands(status),
        joined: (reply, user) => this.#joined(reply, user),
        message: (message) => this.#came(message),
        forgotten: () => this.#forget(),
        ended: (reason) => this.#over(reason),
      },
    });
  }

  /** The language in which times and amounts are written: that of the words, as it is used where the member is. */
  get dates() {
    const language = (tag) => tag.split("-")[0].toLowerCase();
    return navigator.languages.find((tag) => language(tag) === language(this.locale)) ?? this.locale;
  }

  /** Connect; once is enough. */
  start() {
    if (!this.status) this.#line.connect();
  }

  /** After the end: as who the site says that this is now. */
  begin() {
    this.ended = "";
    this.thread.isOver = false;
    this.#isNew = true;
    this.#line.connect({ isNew: true });
    this.#tell("thread");
    this.#tell("status");
  }

  /** Leave, and hear nothing more. */
  close() {
    this.#line.close();
  }

  // --- what the member does ---

  write(text) {
    const { mark } = this.thread; // of now: it may be sent much later, when something else is asked
    this.#saying({ text }, "say", (id) => [{ id, text, mark }]);
  }

  tap(entry, { key, label }) {
    this.#saying({ text: label }, "tap", (id) => [{ id, mark: entry.mark, key }]);
  }

  /** Something secret: the thread knows that there was something, and the outbox what, until it is taken. */
  enter(entry, text) {
    this.#saying({ secret: true }, "secret", (id) => [{ id, mark: entry.mark, text }], { isSecret: true });
  }

  async attach(file) {
    const id = newId();
    this.thread.say({ id, file: file.name || this.say("file") });
    this.#tell("thread");
    try {
      const fit = await fitting(file, this.#limits.file);
      if (!fit) return this.#became(id, "refused", { reason: "too large" });
      this.#outbox.add(id, "file", await pieces(id, fit, this.#limits.piece));
    } catch {
      this.thread.become(id, "refused", { problem: this.say("unreadable") });
      this.#tell("thread");
    }
  }

  async locate() {
    const id = newId();
    this.thread.say({ id, place: true });
    this.#tell("thread");
    try {
      this.#outbox.add(id, "place", [{ id, ...(await whereabouts()) }]);
    } catch {
      this.thread.become(id, "refused", { problem: this.say("nowhere") });
      this.#tell("thread");
    }
  }

  again({ id }) {
    this.#outbox.again(id);
  }

  /** Where something is that a message shows: its own address, or one that the server gives for its name. */
  async addressOf({ url, ref }) {
    if (!ref) return webAddress(url);
    const known = this.#addresses.get(ref);
    if (known && known.until > Date.now()) return known.address;
    const { status, response } = await this.#line.push("show", { ref });
    if (status !== "ok" || !response.url) return "";
    const address = new URL(response.url, `${this.#server}/`).href;
    this.#addresses.set(ref, { address, until: Date.now() + (response.seconds - 30) * 1000 });
    return address;
  }

  // --- what comes ---

  #joined({ epoch, seq, recovered, messages = [], reason, texts, locale, limits }, user) {
    if (this.#user && user !== this.#user) this.#leaveTo();
    this.#user = user;
    const spoken = JSON.stringify(texts);
    if (texts && spoken !== this.#spoken) { // who comes back in the middle of a word goes on typing it
      this.#spoken = spoken;
      this.say = wordsIn(texts);
      this.locale = locale || this.locale;
      this.#tell("words");
    }
    this.#limits = { ...LIMITS, ...limits };
    if (recovered) {
      this.cursor.goOn(epoch);
      messages.forEach(({ event, payload }) => (event === "forgotten" ? this.#forget() : event === "message" && this.#take(payload)));
    } else if (epoch) {
      this.cursor.moveTo(epoch, seq);
      if (reason && this.thread.entries.length) this.thread.note(newId(), this.say("missed"));
    }
    this.#outbox.isOpen = true;
    if (!recovered || this.#isNew || !this.thread.entries.length) {
      const id = newId();
      this.#outbox.add(id, "open", [{ id }]);
    }
    this.#isNew = false;
    this.#tell("thread");
  }

  #came(message) {
    if (this.#take(message)) this.#tell("message", message);
    this.#tell("thread");
  }

  /** Whether it is news of the app's. */
  #take(message) {
    if (!this.cursor.passes(message.seq)) return false;
    if (message.mine) this.#outbox.taken(message.id);
    return this.thread.take(message, { isRead: this.cursor.isRead(message.seq) }) && !message.mine;
  }

  /** The member sees all that is there. */
  reads() {
    this.thread.unread = 0;
    this.cursor.reads();
  }

  /** Somebody else is logged in on the site: nothing that was said here is theirs, nor is what still waits to be. */
  #leaveTo() {
    this.thread.clear();
    this.#outbox.clear();
    this.#addresses.clear();
    this.#tell("another");
  }

  /** The member was erased: what was said is nowhere any more. */
  #forget() {
    this.thread.clear();
    this.#tell("thread");
  }

  #saying(entry, event, payloads, options) {
    const id = newId();
    this.thread.say({ id, ...entry });
    this.#outbox.add(id, event, payloads(id), options);
    this.#tell("thread");
  }

  #became(id, state, detail) {
    const { file } = this.thread.find(id) ?? {};
    const problem = { retype: "retype", refused: "refused" }[state];
    const facts = { share: detail?.share ?? 0, problem: problem && this.say(problem) };
    if (detail?.reason === "too large" && file) facts.problem = this.say("large", { size: sizeOf(this.#limits.file, this.dates) });
    this.thread.become(id, state, facts);
    this.#tell("thread");
  }

  #stands(status) {
    if (status !== "online") this.#outbox.isOpen = false;
    if (status === this.status) return;
    this.status = status;
    this.#tell("status");
  }

  #over(reason) {
    this.ended = reason;
    this.thread.isOver = true;
    this.#tell("thread");
    this.#tell("status");
    this.#tell("ended", reason);
  }
}
