// What was said, as data: how a chat changes with each thing that comes or is said. Knows nothing of the page.

/** Entries that are shown: of a longer chat the latest. */
const SHOWN = 200;

/** An entry: {id, mine, at, text, …} as it came, or as it was said here; then `state` tells how far it is: sending,
    waiting, sent, failed, refused, retype. A `note` is nobody's. */
export class Thread {
  entries = [];
  unread = 0;
  /** Whether nothing can be answered any more. */
  isOver = false;

  /** Something came: a message of the app, or what the member said on this device or another one. Whether it is news.
      What `isRead` was read before, on another page of the site, say. */
  take(message, { isRead = false } = {}) {
    const known = this.find(message.id);
    if (known) {
      const { at = known.at, shows = known.shows } = message;
      Object.assign(known, known.mine ? { state: "sent", at, shows } : message);
      return false;
    }
    this.#add({ ...message, mine: Boolean(message.mine), state: "sent" });
    if (!message.mine && !isRead) this.unread += 1;
    return true;
  }

  /** The member says something here. */
  say(entry) {
    this.#add({ at: Date.now() / 1000, text: "", ...entry, mine: true, state: "sending" });
  }

  /** A line between the messages. */
  note(id, text) {
    this.#add({ id, text, mine: false, note: true, state: "sent" });
  }

  /** How far something is that was said here. */
  become(id, state, facts = {}) {
    const entry = this.find(id);
    if (entry) Object.assign(entry, { state }, facts);
  }

  /** Nothing was said. */
  clear() {
    this.entries = [];
    this.unread = 0;
  }

  find(id) {
    return this.entries.find((entry) => entry.id === id);
  }

  /** The message that can be answered with a tap, in its field or with what it wants: the last of the conversation, if
      it asks; null where it was answered, and while that is on its way. */
  get open() {
    const at = this.entries.findLastIndex(converses);
    if (this.isOver || at < 0 || !asks(this.entries[at])) return null;
    const answered = this.entries.slice(at + 1).some((entry) => entry.mine && !["failed", "refused", "retype"].includes(entry.state));
    return answered ? null : this.entries[at];
  }

  /** The mark of the newest message of the conversation; empty where it has none. */
  get mark() {
    return this.entries.findLast(converses)?.mark ?? "";
  }

  /** Whether the member waits for what the app says: they said something, and nothing came after it. */
  get waits() {
    const last = this.entries.findLast((entry) => !entry.note);
    return Boolean(last?.mine) && ["sending", "sent"].includes(last.state) && Date.now() / 1000 - last.at < WAITS;
  }

  #add(entry) {
    this.entries.push(entry);
    this.entries.splice(0, this.entries.length - SHOWN);
  }
}

/** Seconds for which "one moment" is said. */
const WAITS = 15;

/** Whether the app goes on with the conversation by it: whatever was asked before is over. News beside it change nothing. */
function converses(entry) {
  return !entry.mine && !entry.note && !entry.aside;
}

function asks(entry) {
  return Boolean(entry.choices?.length || entry.secret || entry.wants);
}
