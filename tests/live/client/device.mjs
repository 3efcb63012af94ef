// The official client as tests use it, in node and in a browser alike. A device is one Socket; it notes what it sees,
// in order, and a test waits for notes. Nothing of the client is replaced: `onMessage` of a channel is its own hook.

const PATIENCE = 60000;

export function devices({ LongPoll, Presence, Socket }, transport) {
  const all = new Map();
  const does = {
    open: (name, url, { polls, ...options }) =>
      all.set(name, new Device(Presence, Socket, url, { ...options, transport: polls ? LongPoll : transport })),
    forget: () => {
      for (const device of all.values()) device.socket.disconnect();
      all.clear();
    },
  };
  return async (method, name, ...args) => {
    const found = does[method] ? does[method](name, ...args.map(unpacked)) : all.get(name)[method](...args.map(unpacked));
    return packed(await (found instanceof Map ? undefined : found));
  };
}

class Device {
  constructor(
    Presence,
    Socket,
    url,
    { params = {}, authToken, transport, timeout, heartbeatIntervalMs, rejoinAfterMs, longPollFallbackMs },
  ) {
    this.Presence = Presence;
    this.notes = [];
    this.taken = new Set();
    this.waiting = [];
    this.channels = new Map();
    this.presences = new Map();
    this.cursors = new Map();
    this.params = params;
    this.authToken = authToken;
    const options = { params: () => this.params, transport };
    if (authToken !== undefined) options.authToken = () => this.authToken;
    if (timeout !== undefined) options.timeout = timeout;
    if (heartbeatIntervalMs !== undefined) options.heartbeatIntervalMs = heartbeatIntervalMs;
    if (longPollFallbackMs !== undefined) options.longPollFallbackMs = longPollFallbackMs;
    if (rejoinAfterMs !== undefined) options.rejoinAfterMs = () => rejoinAfterMs;
    this.socket = new Socket(url, options);
    this.socket.onOpen(() => this.note({ what: "open" }));
    this.socket.onClose((event) => this.note({ what: "close", code: event.code }));
    this.socket.onError(() => this.note({ what: "error" }));
  }

  // --- what a test does ---

  connect() {
    this.socket.connect();
  }

  disconnect() {
    return new Promise((resolve) => this.socket.disconnect(resolve));
  }

  credentials({ params, authToken }) {
    if (params !== undefined) this.params = params;
    if (authToken !== undefined) this.authToken = authToken;
  }

  // With `resumes` the join says where it was: a function, asked anew at every rejoin. With `leaves` the app stops
  // joining when it is refused, as it must, or the client would try for ever.
  join(topic, params = {}, { resumes = false, leaves = false, ends = false, timeout } = {}) {
    const says = resumes ? () => ({ ...params, ...this.cursors.get(topic) }) : params;
    const channel = this.socket.channel(topic, says);
    channel.onMessage = (event, payload, ref, joinRef) => {
      if (!/^(chan_reply_|phx_reply)/.test(event)) this.hear(topic, event, payload, joinRef);
      if (ends && event === "session_ended") this.socket.disconnect();
      return payload;
    };
    const presence = new this.Presence(channel);
    presence.onSync(() => this.note({ what: "sync", topic, list: presence.list((key, { metas }) => [key, metas]) }));
    presence.onJoin((key, before, now) => this.note({ what: "came", topic, key, anew: !before, metas: now.metas }));
    presence.onLeave((key, left, gone) =>
      this.note({ what: "gone", topic, key, left: left.metas.length, metas: gone.metas }),
    );
    channel.onClose(() => this.note({ what: "channel closed", topic }));
    channel.onError((reason) => this.note({ what: "channel error", topic, reason }));
    this.channels.set(topic, channel);
    this.presences.set(topic, presence);
    channel
      .join(timeout)
      .receive("ok", (response) => {
        if (resumes) this.follow(topic, response);
        this.note({ what: "joined", topic, response });
      })
      .receive("error", (response) => {
        if (leaves) channel.leave();
        this.note({ what: "refused", topic, response });
      })
      .receive("timeout", () => this.note({ what: "join timeout", topic }));
  }

  push(topic, event, payload, timeout) {
    const push = this.channels.get(topic).push(event, payload, timeout);
    return new Promise((resolve) => {
      for (const status of ["ok", "error", "timeout", "custom"]) {
        push.receive(status, (response) => resolve({ status, response }));
      }
    });
  }

  leave(topic) {
    return new Promise((resolve) => this.channels.get(topic).leave().receive("ok", resolve));
  }

  state(topic) {
    return this.channels.get(topic).state;
  }

  connected() {
    return this.socket.isConnected();
  }

  ping() {
    return new Promise((resolve) => this.socket.ping(resolve));
  }

  present(topic) {
    return this.presences.get(topic).list((key, { metas }) => [key, metas]);
  }

  // The first note of this shape that nobody took so far; waits for it.
  sees(shape) {
    const at = this.notes.findIndex((note, index) => !this.taken.has(index) && matches(note, shape));
    if (at >= 0) {
      this.taken.add(at);
      return this.notes[at];
    }
    return new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`waited for ${JSON.stringify(shape)}, saw ${JSON.stringify(this.notes)}`));
      this.waiting.push({ shape, resolve, timer: setTimeout(fail, PATIENCE) });
    });
  }

  saw() {
    return this.notes;
  }

  // --- what it sees ---

  hear(topic, event, payload, joinRef) {
    if (this.cursors.has(topic) && payload && payload.seq !== undefined) this.cursors.get(topic).last_seq = payload.seq;
    this.note({ what: "event", topic, event, payload });
  }

  follow(topic, { epoch, seq, messages = [] }) {
    this.cursors.set(topic, { epoch, last_seq: seq });
    for (const { event, payload } of messages) this.note({ what: "missed", topic, event, payload });
  }

  note(note) {
    const at = this.notes.push(packed(note)) - 1;
    const waits = this.waiting.findIndex(({ shape }) => matches(this.notes[at], shape));
    if (waits < 0) return;
    const [{ resolve, timer }] = this.waiting.splice(waits, 1);
    clearTimeout(timer);
    this.taken.add(at);
    resolve(this.notes[at]);
  }
}

// Whether everything that `shape` says is so.
function matches(found, shape) {
  if (shape === null || typeof shape !== "object") return found === shape;
  if (found === null || typeof found !== "object") return false;
  if (Array.isArray(shape) && (!Array.isArray(found) || shape.length !== found.length)) return false;
  return Object.keys(shape).every((key) => matches(found[key], shape[key]));
}

// Octets travel to the test and back as `{$octets: [...]}`.
function packed(value) {
  if (value instanceof ArrayBuffer) return { $octets: [...new Uint8Array(value)] };
  if (value === null || value === undefined || typeof value !== "object") return value ?? null;
  if (Array.isArray(value)) return value.map(packed);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, packed(each)]));
}

function unpacked(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(unpacked);
  if ("$octets" in value) return new Uint8Array(value.$octets).buffer;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unpacked(each)]));
}
