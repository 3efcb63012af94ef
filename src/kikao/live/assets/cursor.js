// How far we have read, so that a drop loses nothing. Kept for this tab: another page of the site goes on from there.
// It is a number and the name of a stream; what was said is kept nowhere.

/** Messages that another page of the site shows again. */
const AGAIN = 30;

export class Cursor {
  #key;
  #epoch = "";
  #seq = 0;

  constructor(name) {
    this.#key = `kikao:${name}`;
    const { epoch = "", seq = 0 } = this.kept;
    this.#epoch = epoch;
    this.#seq = Math.max(0, seq - AGAIN);
  }

  /** What the tab remembers: {epoch, seq, isShown}. */
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

  /** The stream that we are in, and its end. */
  moveTo(epoch, seq) {
    this.#epoch = epoch;
    this.#seq = seq;
    this.keep({ epoch, seq });
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
    this.#seq = 0;
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // nothing was kept
    }
  }
}
