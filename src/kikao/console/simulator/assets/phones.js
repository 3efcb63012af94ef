// The phones on the desk, as data: what one is, and how it changes. Pure; `calls.js` talks to the server.

/** How the line of a phone stands, in words for a member of the team. */
export const LINES = {
  idle: "Not in a call",
  open: "In a call",
  ended: "Ended by the service",
  hung_up: "You hung up",
  dropped: "The line dropped",
  failed: "No reply",
};

/** What a phone does, as the history names it. */
export const DEEDS = {
  dial: "Dial",
  answer: "Answer",
  again: "Same request again",
  hang_up: "Hang up",
  drop: "Drop the line",
  webhook: "Webhook",
  call: "Call",
  event: "Event",
  push: "Push",
};

/** Exchanges of a phone that the history shows: the last ones. */
const KEPT = 200;

let slots = 0;

/** A phone that has not been dialled with, busy until the server knows it. `slot` is its place on the page, `id` what
    the server calls it. Its `endpoint` is one of the setup; of it the phone keeps the id, and the channel. */
export function newPhone({ id, channel }, number) {
  return {
    slot: ++slots,
    id: null,
    endpoint: id,
    channel,
    chat: null,
    texts: [],
    number,
    line: "idle",
    screen: "",
    secret: false,
    isDown: false,
    cost: null,
    page: 1,
    pages: 1,
    keys: {},
    lastAhead: null,
    sent: 0,
    exchanges: [],
    shown: null,
    conversation: null,
    busy: true,
    error: "",
  };
}

/** A list of phones after something happened: {type, …}, with `slot` where it is about one phone. */
export function reduce(phones, happened) {
  const change = (patch) => phones.map((one) => (one.slot === happened.slot ? { ...one, ...patch(one) } : one));
  switch (happened.type) {
    case "added":
      return [...phones, happened.phone];
    case "removed":
      return phones.filter((one) => one.slot !== happened.slot);
    case "moved": // to another endpoint or number: nothing of the old one stays
      return change(() => ({
        ...newPhone(happened.endpoint, happened.number),
        slot: happened.slot,
      }));
    case "started":
      return change(() => ({ busy: true, error: "" }));
    case "failed":
      return change(() => ({ busy: false, error: happened.error }));
    case "known":
      return change(() => happened.facts);
    case "stepped":
      return change((phone) => stepped(phone, happened));
    case "chatted":
      return change((phone) => chatted(phone, happened));
    default:
      throw new Error(`nothing is called ${happened.type} here`);
  }
}

/** Whether there is a chat on it. */
export const isChat = ({ channel }) => channel !== "ussd";

/** Whether that is a web chat, which does all by itself. */
export const isWeb = ({ channel }) => channel === "socket";

/** What came of something in a chat, or came by itself. An answer that is older than what is shown changes nothing. */
function chatted(phone, { step, isDone }) {
  const rest = isDone ? { busy: false, error: "" } : {};
  if (phone.chat && step.chat.changes < phone.chat.changes && !isDone) return rest;
  const news = step.exchanges
    .filter(({ n }) => n > phone.sent)
    .map((exchange) => ({ ...exchange, deed: exchange.way, said: exchange.name, ahead: 0, pushed: null }));
  return {
    ...rest,
    chat: step.chat,
    secret: step.secret,
    sent: news.at(-1)?.n ?? phone.sent,
    exchanges: news.length ? [...phone.exchanges, ...news].slice(-KEPT) : phone.exchanges,
    shown: news.length && isDone ? null : phone.shown,
    conversation: step.conversation,
  };
}

function stepped(phone, { deed, said, ahead, step }) {
  const leaves = deed === "hang_up" || deed === "drop";
  const exchange = step.request && {
    n: phone.sent + 1,
    deed,
    said: step.hidden ? null : said, // another phone of the number may have brought the question for it
    ahead: ahead ? ahead.split("*").length : 0, // how many, not what: a PIN may be among them
    status: step.status,
    ms: step.ms,
    what: step.what ?? "",
    repeated: step.repeated,
    request: step.request,
    reply: step.reply,
    pushed: step.pushed,
  };
  return {
    busy: false,
    screen: leaves ? phone.screen : step.screen,
    line: leaves ? (deed === "drop" ? "dropped" : "hung_up") : lineAfter(step),
    secret: !leaves && Boolean(step.secret),
    cost: leaves ? phone.cost : step.cost,
    page: step.page ?? 1,
    pages: step.pages ?? 1,
    keys: leaves ? {} : keysOf(step),
    lastAhead: deed === "dial" ? ahead : phone.lastAhead,
    sent: exchange ? exchange.n : phone.sent,
    exchanges: exchange ? [...phone.exchanges, exchange].slice(-KEPT) : phone.exchanges,
    shown: null,
    conversation: step.conversation ?? phone.conversation,
  };
}

function lineAfter(step) {
  if (step.alive) return "open";
  return step.status >= 200 && step.status < 300 ? "ended" : "failed";
}

/** What the keys of the open screen mean: {"1": "Send money", "0": "Back"}. */
function keysOf(step) {
  const all = [...(step.options ?? []), ...(step.navigation ?? [])];
  return step.alive ? Object.fromEntries(all.map(({ key, label }) => [key, label])) : {};
}

/** The code as it is dialled, with what goes ahead: "*284*1*5000#". */
export const dialled = (code, ahead) => (ahead ? `${code.replace(/#$/, "")}*${ahead}#` : code);
