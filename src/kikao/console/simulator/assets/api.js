// The simulator's API: what the page asks of the server, and nothing else.

const ROOT = "/simulator/api";

/** The setup: endpoints, locales, numbers, clock. */
export const setup = () => call("GET", "/setup");

/** A phone on an endpoint: {id, endpoint, number}. */
export const addPhone = (endpoint, number) => call("POST", "/phones", { endpoint, number });

/** The server needs to keep it no longer. After a restart it may not know it at all. */
export function giveBack(id) {
  if (id) call("DELETE", `/phones/${id}`).catch(() => {});
}

/** What a phone does: "dial", "answer", "again", "hang_up" or "drop". Answers a Step. */
export const act = (id, what, body = {}) => call("POST", `/phones/${id}/${what}`, body);

/** What is done in a chat: "write", "tap", "share" … Answers a ChatStep, with the exchanges after `since`. */
export const actInChat = (id, what, body, since) => call("POST", `/phones/${id}/${what}?since=${since}`, body);
export const chat = (id, since) => call("GET", `/phones/${id}/chat?since=${since}`);

/** Of a web chat: a token with which it opens its socket; what else is done with it, "drop", "connect" or "log_out". */
export const token = (id) => call("POST", `/phones/${id}/token`).then(({ token: given }) => given);
export const tell = (id, what) => call("POST", `/phones/${id}/${what}`);

/** [{id, changes, …}]: what happened by itself in a chat shows in its `changes`. */
export const phones = () => call("GET", "/phones");

/** Where a button of a message leads, and the picture in a message: the page knows no address that holds a token. */
export const linkOf = (id, message, button) =>
  `${ROOT}/phones/${id}/link?message=${encodeURIComponent(message)}&button=${button}`;
export const pictureOf = (id, message) => `${ROOT}/phones/${id}/media?message=${encodeURIComponent(message)}`;

/** Both answer a Conversation. */
export const switchLanguage = (id, locale) => call("POST", `/phones/${id}/language`, { locale });
export const conversation = (id) => call("GET", `/phones/${id}/conversation`);

/** Move the server's time forward, by seconds: {now, offset}. */
export const advance = (seconds) => call("POST", "/clock", { advance: seconds });

export const TRANSCRIPT = `${ROOT}/transcript`;
export const transcript = () => call("GET", "/transcript");
export const forgetTranscript = () => call("DELETE", "/transcript");

/** Raises an Error whose message can be shown as it is; its `status` is 0 when there was no reply. */
async function call(method, path, body) {
  const request = { method, headers: { Accept: "application/json, text/plain" } };
  if (method !== "GET") {
    request.headers["Content-Type"] = "application/json"; // no other site's page can send that unasked
    request.body = JSON.stringify(body ?? {});
  }
  let response;
  try {
    response = await fetch(ROOT + path, request);
  } catch {
    throw failure("The server does not answer. Is it still running?", 0);
  }
  const text = await response.text();
  const isJson = (response.headers.get("Content-Type") ?? "").startsWith("application/json");
  const answer = isJson && text ? JSON.parse(text) : text;
  if (!response.ok) {
    throw failure(answer?.error ?? `The server answered ${response.status}. ${text}`.trim(), response.status);
  }
  return answer;
}

function failure(message, status) {
  return Object.assign(new Error(message), { status });
}
