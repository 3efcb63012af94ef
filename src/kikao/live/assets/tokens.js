// The token with which a member comes in: given once, asked for at an address of the site's, or by a function.

/** Seconds before its end at which a token is not good enough to come in with. */
const MARGIN = 15;

export class Tokens {
  #url;
  #given;
  #asking = null;

  /** `token` is one to begin with; `url` answers `{"token": "…"}`, or the token itself; `given()` is an async function
      to ask instead, as far as there is one by now. */
  constructor({ token = "", url = "", given = () => null }) {
    this.current = token;
    this.#url = url;
    this.#given = given;
  }

  get #ask() {
    return this.#given() ?? (this.#url ? () => fetched(this.#url) : null);
  }

  /** Whether there is somebody to ask for another one. */
  get canRenew() {
    return this.#ask !== null;
  }

  /** Whose it is, as far as it says so; else empty. */
  get user() {
    return String(claims(this.current).sub ?? "");
  }

  get isStale() {
    const end = expiry(this.current);
    return !this.current || (end !== null && end - Date.now() / 1000 < MARGIN);
  }

  /** One that can be used now. Throws `Unwelcome` where the site gives none, or what the asking threw. */
  async usable() {
    if (this.isStale && this.canRenew) await this.renew();
    if (!this.current) throw new Unwelcome();
    return this.current;
  }

  /** Ask for another one; who asks meanwhile gets the same. */
  renew() {
    this.#asking ??= this.#renewed().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #renewed() {
    const ask = this.#ask;
    if (!ask) throw new Unwelcome();
    const token = await ask();
    if (typeof token !== "string" || !token) throw new Unwelcome();
    this.current = token;
    return token;
  }
}

/** The site gives no token: whoever this is, they are not logged in. */
export class Unwelcome extends Error {}

async function fetched(url) {
  const response = await fetch(url, { credentials: "same-origin", cache: "no-store", headers: { Accept: "application/json" } });
  if ([401, 403, 404].includes(response.status)) throw new Unwelcome();
  if (!response.ok) throw new Error(`the token's address answered ${response.status}`);
  const text = (await response.text()).trim();
  return text.startsWith("{") ? JSON.parse(text).token : text.replace(/^"|"$/g, "");
}

/** When a JWT ends, in seconds since the epoch, by what it says of itself; null for what does not say. */
function expiry(token) {
  const { exp } = claims(token);
  return typeof exp === "number" ? exp : null;
}

/** What a JWT says; nothing for what is none. */
function claims(token) {
  try {
    const body = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(body)) ?? {};
  } catch {
    return {};
  }
}
