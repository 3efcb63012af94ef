// How far we have read, so that a drop loses nothing. Kept for this tab: another page of the site goes on from there.
// It is a number and the name of a stream; what was said is kept nowhere.

/** Messages that another page of the site shows again. */
const AGAIN = 30;

export class Cursor {
  #key;
  #epoch = "";
  #seq = 0;
  #read = 0;

  constructor(name) {
    this.#key = `kikao:${name}`;
    const { epoch = "", seq = 0, read = 0 } = this.kept;
    this.#read = read;
    this.#epoch = epoch;
    this.#seq = Math.max(0, seq - AGAIN);
  }

  /** What the tab remembers: {epoch, seq, read, isShown}. */
  get kept() {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key)) ?? {};
    } catch {
      return {}; // closed to us, or changed by others
    }
  }

  /** What the join asks for. */
  asked() {
    return this.#epoch ? { epoch: this.#epoch, last_seq: this.#seq } : {};
  }

  /** Whether a message is news; from now on it is none. */
  passes(seq) {
    if (typeof seq !== "number") return true;
    if (seq <= this.#seq) return false;
    this.#seq = seq;
    this.keep({ epoch: this.#epoch, seq });
    return true;
  }

  /** All that came is read. */
  reads() {
    if (this.#read >= this.#seq) return; // what is shown again is not unread
    this.#read = this.#seq;
    this.keep({ read: this.#read });
  }

  /** Whether a message was read, on this page of the site or on one before. */
  isRead(seq) {
    return seq <= this.#read;
  }

  /** The stream that we are in, and its end. */
  moveTo(epoch, seq) {
    this.#epoch = epoch;
    this.#seq = this.#read = seq;
    this.keep({ epoch, seq, read: seq });
  }

  /** Read on in this stream. */
  goOn(epoch) {
    this.#epoch = epoch;
  }

  keep(facts) {
    try {
      sessionStorage.setItem(this.#key, JSON.stringify({ ...this.kept, ...facts }));
    } catch {
      // Another page begins anew then.
    }
  }

  forget() {
    this.#epoch = "";
    this.#seq = this.#read = 0;
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // nothing was kept
    }
  }
}
