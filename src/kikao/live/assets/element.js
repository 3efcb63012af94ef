// <kikao-chat>: a button in the corner with a chat behind it, or, with `inline`, the chat itself where it stands.

import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { h, icon } from "./dom.js";
import { Log } from "./log.js";
import { sheet, stayWithin } from "./sheet.js";
import { dress, inkOn } from "./styles.js";
import { Tokens } from "./tokens.js";

/** Where the app's sockets are, as seen from this file: beside it, whatever version of it that is. */
const HERE = import.meta.url.replace(/\/widget\/.*$/, "");

/** Where the chat covers the page. */
const SMALL = matchMedia("(max-width: 480px), (max-height: 480px)");

const RIGHT_TO_LEFT = /^(ar|arc|ckb|dv|fa|ha-arab|he|ks|nqo|ps|sd|syr|ug|ur|yi)\b/i;

export class KikaoChat extends HTMLElement {
  static observedAttributes = ["accent", "heading", "theme"];
  /** An async function that gives a token; instead of the attributes `token` and `token-url`. */
  getToken = this.getToken ?? null; // which a page may have set before this was loaded
  #chat = null;
  #parts = null;
  #sheet = null;

  connectedCallback() {
    if (!this.#parts) this.#build();
    const { isShown } = this.#talk().cursor.kept;
    if (this.hasAttribute("inline") || this.getAttribute("connect") === "early" || isShown !== undefined) this.#chat.start();
    if (isShown && !this.hasAttribute("inline") && !SMALL.matches) this.#reveal(false);
    SMALL.addEventListener("change", this.#fit);
  }

  disconnectedCallback() {
    SMALL.removeEventListener("change", this.#fit);
    // Only moved to another place of the page, it is back by then.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#chat?.close();
      this.#chat = null;
    });
  }

  attributeChangedCallback() {
    if (this.#parts) this.#dress();
  }

  /** Whether the chat is to be seen. */
  get isShown() {
    return this.hasAttribute("inline") || Boolean(this.#parts?.panel.open);
  }

  /** Messages that came while it was not. */
  get unread() {
    return this.#chat?.thread.unread ?? 0;
  }

  /** Open the chat, and go there. */
  show() {
    if (this.#parts && !this.isShown) this.#reveal(true);
  }

  /** Close it; the connection stays, and what comes is counted. */
  hide() {
    if (!this.#parts || this.hasAttribute("inline") || !this.isShown) return;
    this.#closeSheet();
    this.#parts.panel.close();
    this.#chat.cursor.keep({ isShown: false });
    this.#parts.launcher.setAttribute("aria-expanded", "false");
    this.#parts.launcher.focus();
    this.#renderUnread();
    this.#tell("kikao-hide");
  }

  // --- what it is made of ---

  #build() {
    const isInline = this.hasAttribute("inline");
    const root = this.attachShadow({ mode: "open" });
    dress(root);
    const context = () => ({
      say: this.#chat.say,
      locale: this.#chat.dates,
      title: this.#title,
      addressOf: (thing) => this.#chat.addressOf(thing),
    });
    this.#talk();
    const log = new Log(context, {
      tap: (entry, choice) => this.#chat.tap(entry, choice),
      list: (entry, button) => this.#openSheet(entry, button),
      again: (entry) => this.#chat.again(entry),
      answered: () => this.#parts.composer.focus(),
    });
    const composer = new Composer(context, {
      text: (text) => this.#chat.write(text),
      secret: (entry, text) => this.#chat.enter(entry, text),
      file: (file) => this.#chat.attach(file),
      locate: () => this.#chat.locate(),
      begin: () => this.#chat.begin(),
    });
    const heading = h("h2", { id: "heading" });
    const standing = h("p", { role: "status" });
    const banner = h("p", { class: "banner", role: "status" });
    const close = h("button", { type: "button", class: "square quiet", onclick: () => this.hide() }, icon("close"));
    const head = h("header", { class: "head" }, h("div", {}, heading, standing), isInline ? null : close);
    const parts = [head, banner, log.element, composer.element];
    const panel = isInline
      ? h("section", { class: "panel inline", "aria-labelledby": "heading" }, parts)
      : h("dialog", { class: "panel", id: "panel", "aria-labelledby": "heading", onkeydown: (event) => this.#keyed(event), oncancel: (event) => this.#cancelled(event) }, parts);
    const badge = h("span", { class: "badge", hidden: true, "aria-hidden": "true" });
    const launcher = isInline ? null : h("button", { type: "button", class: "launcher", "aria-expanded": "false", "aria-controls": "panel", "aria-haspopup": "dialog", onclick: () => (this.isShown ? this.hide() : this.show()) }, icon("chat"), icon("down"), badge);
    root.append(...[launcher, panel].filter(Boolean));
    this.#parts = { panel, launcher, badge, heading, standing, banner, close, log, composer, covered: [head, log.element, composer.element] };
    this.#dress();
    this.#renderAll();
  }

  /** The conversation; another one where the last was left. */
  #talk() {
    this.#chat ??= new Conversation({
      name: this.id,
      server: (this.getAttribute("server") || HERE).replace(/\/$/, ""),
      fallback: Number(this.getAttribute("fallback")) || 0,
      tokens: new Tokens({ token: this.getAttribute("token") ?? "", url: this.getAttribute("token-url") ?? "", given: () => this.getToken }),
      locale: this.getAttribute("locale") || document.documentElement.lang || navigator.language,
      tell: (what, detail) => this.#changed(what, detail),
    });
    return this.#chat;
  }

  get #title() {
    return this.getAttribute("heading") || this.#chat.say("title");
  }

  /** In the site's colour, with words on it that can be read. */
  #dress() {
    const accent = this.getAttribute("accent");
    if (accent && CSS.supports("color", accent)) this.style.setProperty("--kikao-accent", accent);
    const painted = this.#parts.panel.querySelector(".head");
    requestAnimationFrame(() => this.style.setProperty("--kikao-reads", inkOn(getComputedStyle(painted).backgroundColor)));
    this.#parts.heading.textContent = this.#title;
  }

  // --- what happens to it ---

  #reveal(isAsked) {
    const { panel, launcher, composer } = this.#parts;
    this.#fit();
    if (SMALL.matches) panel.showModal();
    else panel.show();
    launcher.setAttribute("aria-expanded", "true");
    this.#chat.start();
    this.#chat.cursor.keep({ isShown: true });
    this.#chat.reads();
    this.#renderAll();
    if (isAsked) composer.focus();
    this.#tell("kikao-show");
  }

  /** On a small screen it covers the page, which is out of reach then. */
  #fit = () => {
    const { panel } = this.#parts;
    if (this.hasAttribute("inline")) return;
    const isWhole = panel.classList.toggle("whole", SMALL.matches);
    if (panel.open && isWhole !== panel.matches(":modal")) {
      panel.close();
      if (isWhole) panel.showModal();
      else panel.show();
    }
  };

  #keyed(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      this.hide();
    } else if (this.#parts.panel.matches(":modal")) {
      stayWithin(event, this.#parts.panel);
    }
  }

  /** The back gesture of a phone. */
  #cancelled(event) {
    event.preventDefault();
    if (this.#sheet) this.#closeSheet();
    else this.hide();
  }

  #openSheet(entry, button) {
    const { panel, covered } = this.#parts;
    const made = sheet(entry, {
      say: this.#chat.say,
      onTap: (choice) => {
        this.#closeSheet();
        this.#chat.tap(entry, choice);
      },
      onClose: () => {
        this.#closeSheet();
        button.focus();
      },
    });
    const veil = h("div", { class: "veil", onclick: () => this.#closeSheet() });
    covered.forEach((part) => (part.inert = true));
    panel.append(veil, made.element);
    this.#sheet = { entry, parts: [veil, made.element] };
    made.focus();
  }

  #closeSheet() {
    if (!this.#sheet) return;
    this.#sheet.parts.forEach((part) => part.remove());
    this.#sheet = null;
    this.#parts.covered.forEach((part) => (part.inert = false));
    this.#parts.composer.focus();
  }

  #changed(what, detail) {
    if (what === "message") this.#tell("kikao-message", { unread: this.unread });
    if (what === "ended") this.#tell("kikao-end", { reason: detail });
    if (!this.#parts) return;
    if (what === "another") this.#parts.composer.forget();
    if (what === "words" || what === "another") {
      this.#parts.log.clear();
      this.#parts.composer.clear();
      this.#renderAll();
    } else if (what === "thread") this.#renderThread();
    else if (what === "status") this.#renderStatus();
  }

  // --- what is to be seen ---

  #renderAll() {
    const { panel, launcher, close, heading } = this.#parts;
    const { say, locale } = this.#chat;
    heading.textContent = this.#title;
    for (const part of [panel, launcher].filter(Boolean)) {
      part.lang = locale;
      part.dir = RIGHT_TO_LEFT.test(locale) ? "rtl" : "ltr";
    }
    close.setAttribute("aria-label", say("close"));
    this.#renderThread();
    this.#renderStatus();
  }

  #renderThread() {
    const { log, composer, standing } = this.#parts;
    const { thread, ended } = this.#chat;
    if (this.isShown && document.visibilityState === "visible") this.#chat.reads();
    if (this.isShown) log.render(thread);
    if (this.#sheet && thread.open?.id !== this.#sheet.entry.id) this.#closeSheet();
    composer.render(thread.open, ended);
    standing.textContent = this.#standing;
    this.#renderUnread();
  }

  #renderStatus() {
    const { banner, standing, composer } = this.#parts;
    const { status, say, ended, thread } = this.#chat;
    banner.textContent = status === "offline" ? say("offline") : status === "away" ? say("away") : "";
    standing.textContent = this.#standing;
    composer.render(thread.open, ended);
  }

  get #standing() {
    const { status, say, ended, thread } = this.#chat;
    if (ended) return say("closed");
    if (status === "online") return thread.waits ? say("working") : say("online");
    return status ? say("connecting") : "";
  }

  #renderUnread() {
    const { badge, launcher } = this.#parts;
    if (!launcher) return;
    const { say } = this.#chat;
    const count = this.isShown ? 0 : this.unread;
    badge.hidden = !count;
    badge.textContent = count > 99 ? "99+" : String(count);
    const label = this.isShown ? say("close") : say("open");
    launcher.setAttribute("aria-label", count ? `${label}. ${say("unread", { count })}` : label);
  }

  #tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
