// The messages on the page: each is put there once and stays, so that a screen reader says it once.

import { h, icon } from "./dom.js";
import { shown } from "./shown.js";
import { linkTo, written } from "./text.js";

/** How near to its end, in pixels, a chat counts as read to the end. */
const NEAR = 80;

/** What stands for something secret, however long that was. */
const DOTS = "••••";

export class Log {
  #items = new Map();
  #list = h("ol");
  #isAtEnd = true;
  #on;
  #context;

  /** `context()` gives {say, locale, title, addressOf}. `on` has `tap(entry, choice)`, `list(entry)`, `again(entry)`. */
  constructor(context, on) {
    this.#context = context;
    this.#on = on;
    const { say } = context();
    this.wait = h("p", { class: "wait", hidden: true, "aria-hidden": "true" }, h("span"), h("span"), h("span"));
    this.latest = h("button", { type: "button", class: "latest", hidden: true, "aria-label": say("latest"), onclick: () => this.#toEnd() }, icon("down"));
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": say("log"), tabindex: "0", onscroll: () => this.#look() }, this.#list, this.wait);
    this.element = h("div", { class: "reading" }, this.log, this.latest);
    // Pictures come later than what stands below them, and so does a keyboard.
    const watch = new ResizeObserver(() => (this.#isAtEnd ? this.#toEnd() : this.#look()));
    [this.log, this.#list].forEach((part) => watch.observe(part));
  }

  /** Show a thread as it is now. */
  render(thread) {
    const { open, entries } = thread;
    const ids = new Set(entries.map(({ id }) => id));
    for (const [id, item] of this.#items) if (!ids.has(id)) item.remove(this.#items.delete(id));
    entries.forEach((entry, place) => {
      const item = this.#items.get(entry.id) ?? this.#put(entry, entries[place - 1]);
      this.#renew(item, entry, entry === open);
    });
    this.wait.hidden = !thread.waits;
    if (this.#isAtEnd || entries.at(-1)?.mine) this.#toEnd();
  }

  /** Say everything again, in other words. */
  clear() {
    this.#items.clear();
    this.#list.replaceChildren();
    const { say } = this.#context();
    this.latest.setAttribute("aria-label", say("latest"));
    this.log.setAttribute("aria-label", say("log"));
  }

  #put(entry, before) {
    const item = entry.note ? h("li", { class: "note" }, entry.text) : this.#said(entry, before);
    this.#items.set(entry.id, item);
    this.#list.append(item);
    return item;
  }

  #said(entry, before) {
    const { say, locale, title } = this.#context();
    const day = dayOf(entry, locale);
    const parts = [h("span", { class: "hidden" }, `${entry.mine ? say("you") : title}: `)];
    if (entry.secret && entry.mine) parts.push(h("p", { class: "text" }, h("span", { "aria-hidden": "true" }, DOTS), h("span", { class: "hidden" }, say("secret"))));
    else if (entry.text) parts.push(h("p", { class: "text", dir: "auto" }, written(entry.text, say("page"))));
    if (entry.file) parts.push(h("p", { class: "card" }, icon("file"), h("span", {}, entry.file)));
    if (entry.place) parts.push(h("p", { class: "card" }, icon("pin"), say("location")));
    const bubble = h("div", { class: "bubble" }, parts, h("p", { class: "about" }));
    const link = entry.link && linkTo(entry.link.url, entry.link.label, say("page"), { class: "choice" });
    return h(
      "li",
      { class: entry.mine ? "mine" : "theirs" },
      day && day !== (before && dayOf(before, locale)) ? h("p", { class: "day" }, h("span", {}, day)) : null,
      bubble,
      link ? h("div", { class: "choices" }, link) : null,
    );
  }

  /** What changes of an entry: how far it is, what can be tapped, and what it shows once that is known. */
  #renew(item, entry, isOpen) {
    if (entry.note) return;
    const { say, locale } = this.#context();
    const state = `${entry.state} ${Math.round((entry.share ?? 0) * 100)} ${entry.problem ?? ""}`;
    if (item.dataset.state !== state) {
      item.dataset.state = state;
      item.querySelector(".about").replaceChildren(...about(entry, say, locale, () => this.#on.again(entry)));
    }
    if (entry.shows?.length && !item.querySelector("figure")) {
      item.querySelector(".card")?.remove();
      item.querySelector(".bubble").querySelector(".hidden").after(...entry.shows.map((thing) => shown(thing, this.#context())));
    }
    const choices = item.querySelector(".taps");
    if (isOpen && entry.choices?.length && !choices) item.append(this.#choices(entry));
    else if (!isOpen && choices) this.#close(choices);
  }

  #choices(entry) {
    const { say } = this.#context();
    if (entry.layout === "list") {
      const open = h("button", { type: "button", class: "choice opens", "aria-haspopup": "dialog", onclick: () => this.#on.list(entry, open) }, icon("list"), entry.opens || say("choose"));
      return h("div", { class: "choices taps" }, open);
    }
    const isWide = entry.choices.some(({ label }) => label.length > 22);
    const buttons = entry.choices.map((choice) => h("button", { type: "button", class: "choice", dir: "auto", onclick: () => this.#on.tap(entry, choice) }, choice.label));
    return h("div", { class: `choices taps ${isWide ? "wide" : ""}`, role: "group", "aria-label": entry.text.split("\n").at(-1) || say("choose") }, buttons);
  }

  /** Whoever stood on one of them stands in the log then. */
  #close(choices) {
    const isIn = choices.contains(this.element.getRootNode().activeElement);
    choices.remove();
    if (isIn) this.#on.answered();
  }

  #toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
    this.#isAtEnd = this.latest.hidden = true;
  }

  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    this.#isAtEnd = this.latest.hidden = scrollHeight - scrollTop - clientHeight < NEAR;
  }
}

function dayOf({ at, note }, locale) {
  if (note || !at) return "";
  const day = new Date(at * 1000);
  if (day.toDateString() === new Date().toDateString()) return "";
  return day.toLocaleDateString(locale, { dateStyle: "medium" });
}

function about(entry, say, locale, again) {
  const { state, mine, problem, share } = entry;
  const time = entry.at ? h("time", {}, new Date(entry.at * 1000).toLocaleTimeString(locale, { timeStyle: "short" })) : null;
  if (!mine) return [time].filter(Boolean);
  if (state === "sending" && share > 0) {
    return [h("progress", { max: "1", value: String(share), "aria-label": say("sending") })];
  }
  if (state === "sending" || state === "waiting") {
    return [time, icon("clock"), h("span", { class: "hidden" }, say(state === "sending" ? "sending" : "waiting"))];
  }
  if (state === "sent") return [time, icon("tick")];
  const told = h("span", { class: "problem" }, icon("warning"), problem || say("failed"));
  return state === "failed" ? [told, h("button", { type: "button", class: "again", onclick: again }, say("again"))] : [told];
}
