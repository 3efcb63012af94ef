// A list that opens over the chat: rows to choose from, and a field that finds in a long one.

import { h, icon } from "./dom.js";

/** Rows from which on they can be searched. */
const LONG = 9;

/** `entry` has the choices; `onTap(choice)` hears which, `onClose()` that it was none. Puts the focus into it. */
export function sheet(entry, { say, onTap, onClose }) {
  const title = entry.opens || say("choose");
  const rows = entry.choices.map((choice) => ({
    words: choice.label.toLocaleLowerCase(),
    row: h("li", {}, h("button", { type: "button", dir: "auto", onclick: () => onTap(choice) }, choice.label)),
  }));
  const none = h("p", { class: "none", role: "status" });
  const find = rows.length >= LONG && h("input", { type: "search", class: "find", placeholder: say("find"), "aria-label": say("find"), autocomplete: "off", oninput: narrow });
  const close = h("button", { type: "button", class: "square quiet", "aria-label": say("back"), onclick: onClose }, icon("close"));
  const list = h("ul", {}, rows.map(({ row }) => row));
  const element = h(
    "div",
    { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": title, onkeydown: keyed },
    h("header", {}, h("b", { dir: "auto" }, title), close),
    find,
    list,
    none,
  );

  function narrow() {
    const wanted = find.value.trim().toLocaleLowerCase();
    rows.forEach(({ words, row }) => (row.hidden = !words.includes(wanted)));
    none.textContent = rows.every(({ row }) => row.hidden) ? say("none") : "";
  }

  function keyed(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      onClose();
    } else if (event.key === "Enter" && event.target === find) {
      list.querySelector("li:not([hidden]) button")?.click();
    } else if (["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else {
      stayWithin(event, element);
    }
  }

  function step(by) {
    const shown = [...list.querySelectorAll("li:not([hidden]) button")];
    const at = shown.indexOf(element.getRootNode().activeElement);
    shown.at(at < 0 && by < 0 ? -1 : (at + by) % shown.length)?.focus();
  }

  return { element, focus: () => (find || list.querySelector("button")).focus() };
}

/** Keep the tab key within an element that covers all else. */
export function stayWithin(event, element) {
  if (event.key !== "Tab") return;
  const all = [...element.querySelectorAll("a[href], button, input, textarea, [tabindex='0'], audio, video")];
  const stops = all.filter((one) => !one.disabled && !one.closest("[inert], [hidden]") && one.getClientRects().length);
  const at = element.getRootNode().activeElement;
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (at !== edge && element.contains(at)) return;
  event.preventDefault();
  (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
}
