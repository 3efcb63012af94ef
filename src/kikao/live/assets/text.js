// What somebody wrote, as nodes: lines as they are, and addresses of the web as links. Nothing else means anything.

import { h } from "./dom.js";

const ADDRESS = /https?:\/\/[^\s<>"']+/gi;

/** What closes a sentence, or a bracket around an address, is no part of it. */
const BEHIND = /[.,;:!?)\]}»”]+$/;

/** Nodes for a text; `hidden` is said to whoever hears that a link opens a page. */
export function written(text, hidden) {
  const nodes = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = found.replace(BEHIND, "");
    if (!webAddress(address)) continue;
    nodes.push(text.slice(done, index), linkTo(address, address, hidden));
    done = index + address.length;
  }
  nodes.push(text.slice(done));
  return nodes;
}

/** A link to a page of the web, in a tab of its own that knows nothing of ours; null for any other address. */
export function linkTo(url, label, hidden, properties = {}) {
  const href = webAddress(url);
  if (!href) return null;
  return h(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer", ...properties },
    label,
    h("span", { class: "hidden" }, ` (${hidden})`),
  );
}

/** The address, if it is one of the web; else empty. */
export function webAddress(url) {
  try {
    const { protocol, href } = new URL(url);
    return protocol === "https:" || protocol === "http:" ? href : "";
  } catch {
    return "";
  }
}

/** 48 kB: an amount of octets, in words of the member's language. */
export function sizeOf(octets, locale) {
  const [amount, unit] = octets < 1e6 ? [Math.max(1, Math.round(octets / 1e3)), "kilobyte"] : [Math.round(octets / 1e5) / 10, "megabyte"];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }).format(amount);
}
