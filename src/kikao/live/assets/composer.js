// Where a member writes, enters what is secret, or sends what is wanted.

import { h, icon } from "./dom.js";

/** Characters that are taken at once. */
const LONGEST = { text: 4096, secret: 256 };

export class Composer {
  element = h("div", { class: "composer" });
  #context;
  #on;
  #shown = "";
  #open = null;
  #draft = "";

  /** `context()` gives {say}. `on` has `text(text)`, `secret(entry, text)`, `file(file)`, `locate()`, `begin()`. */
  constructor(context, on) {
    this.#context = context;
    this.#on = on;
  }

  /** What can be done now, with the message that is open, or after the end for a `reason`. */
  render(open, reason) {
    this.#open = open; // the same question again, as another device was shown it, leaves what is typed alone
    const what = reason ? `over ${reason}` : open?.secret ? `secret ${open.text}` : `text ${open?.wants ?? ""}`;
    if (what === this.#shown) return;
    const hadFocus = this.element.contains(this.element.getRootNode().activeElement);
    // Who is in the middle of something secret goes on typing: not where it can be read.
    const isTyping = Boolean(this.element.querySelector("[type=password]")?.value) && !open?.secret;
    this.#shown = what;
    this.element.replaceChildren(...(reason ? this.#over(reason) : open?.secret ? this.#secret(open) : this.#text(open?.wants)));
    if (hadFocus && isTyping) this.element.querySelector(".go").focus();
    else if (hadFocus) this.focus();
  }

  /** Everything again, in other words. */
  clear() {
    this.#shown = "";
  }

  /** What was half written is not to be seen any more. */
  forget() {
    this.#draft = "";
    this.clear();
  }

  focus() {
    this.element.querySelector(".typed, .begin")?.focus({ preventScroll: true });
  }

  #over(reason) {
    const { say } = this.#context();
    const word = ["idle", "logged_out", "not_logged_in", "token_expired"].includes(reason) ? reason : "stopped";
    return [
      h("p", { class: "over", role: "status" }, say(word)),
      h("button", { type: "button", class: "begin go", onclick: () => this.#on.begin() }, word === "not_logged_in" ? say("start") : say("begin")),
    ];
  }

  #secret(entry) {
    const { say } = this.#context();
    this.#draft = ""; // it may be what is asked for now
    const question = entry.text.trim().split("\n").at(-1) || say("secret");
    // Whatever a browser keeps of a field, such as what can be undone, goes with the field.
    const field = h("input", {
      class: "typed", type: "password", autocomplete: "off", autocapitalize: "off", autocorrect: "off", spellcheck: "false",
      maxlength: String(LONGEST.secret), enterkeyhint: "send", dir: "ltr", "aria-describedby": "private",
      "data-1p-ignore": true, "data-lpignore": "true", "data-bwignore": true, onkeydown: (event) => event.key === "Enter" && submit(event),
    });
    const submit = (event) => {
      event.preventDefault();
      const text = field.value;
      field.value = "";
      if (!text) return field.focus();
      this.#on.secret(this.#open, text);
    };
    return [
      h("form", { class: "row secret", onsubmit: submit },
        h("label", {}, h("span", { dir: "auto" }, question), field), this.#go(say)),
      h("p", { id: "private", class: "private" }, icon("lock"), say("private")),
    ];
  }

  #text(wants) {
    const { say } = this.#context();
    const field = h("textarea", {
      class: "typed", rows: "1", maxlength: String(LONGEST.text), enterkeyhint: "send", dir: "auto", autocomplete: "off",
      placeholder: say("write"), "aria-label": say("message"), value: this.#draft, oninput: grow, onkeydown: entered,
    });
    const composer = this;
    function grow() {
      composer.#draft = field.value;
      field.rows = Math.min(5, field.value.split("\n").length + Math.floor(field.value.length / 44));
    }
    function entered(event) {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
    }
    function submit(event) {
      event.preventDefault();
      const text = field.value.trim();
      composer.#draft = field.value = "";
      grow();
      field.focus();
      if (text) composer.#on.text(text);
    }
    return [this.#wanted(wants, say), h("form", { class: "row", onsubmit: submit }, field, this.#go(say))].filter(Boolean);
  }

  /** A key for what the app asks to be sent. */
  #wanted(wants, say) {
    if (wants === "location") {
      return h("button", { type: "button", class: "wanted", onclick: () => this.#on.locate() }, icon("pin"), say("locate"));
    }
    if (wants !== "media") return null;
    const pick = h("input", { type: "file", hidden: true, tabindex: "-1", "aria-hidden": "true", onchange: chosen });
    const on = this.#on;
    function chosen() {
      if (pick.files[0]) on.file(pick.files[0]);
      pick.value = "";
    }
    return h("div", { class: "wanted" }, pick, h("button", { type: "button", onclick: () => pick.click() }, icon("file"), say("attach")));
  }

  #go(say) {
    return h("button", { class: "square go", "aria-label": say("send") }, icon("send"));
  }
}
