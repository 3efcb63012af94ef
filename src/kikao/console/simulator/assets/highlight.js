// Bodies in colour. Every character stays as it was, but for the blanks that lay JSON and XML out on lines.

import { html } from "./lib.js";

const JSON_PARTS = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/g;

const XML_PARTS = /<[^>]*>|[^<]+/g;

/** A body: JSON, XML, a form, or text. */
export function Coloured({ text }) {
  const laidOut = asJson(text);
  if (laidOut !== null) return html`<code>${parts(laidOut)}</code>`;
  if (/^\s*<[?!\w]/.test(text)) return html`<code>${xml(text)}</code>`;
  if (/^[\w.%+-]+=[^\s]*$/.test(text)) return html`<code>${form(text)}</code>`;
  return html`<code>${text}</code>`;
}

function asJson(text) {
  if (!/^\s*[{[]/.test(text)) return null;
  try {
    const parsed = JSON.parse(text);
    const bare = text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
    // A number or an escape that would be written in another way is shown as it was sent.
    return JSON.stringify(parsed) === bare ? JSON.stringify(parsed, null, 2) : null;
  } catch {
    return null;
  }
}

function parts(json) {
  const found = [];
  let at = 0;
  for (const match of json.matchAll(JSON_PARTS)) {
    const [whole, string, colon] = match;
    found.push(json.slice(at, match.index));
    const kind = string ? (colon ? "name" : "string") : "number";
    found.push(html`<span class=${kind}>${string ?? whole}</span>`, colon ?? "");
    at = match.index + whole.length;
  }
  return [...found, json.slice(at)];
}

/** Each element on a line of its own, further in than the one around it; an element's text stays where it is. */
function xml(text) {
  let depth = 0;
  let before = "";
  return (text.match(XML_PARTS) ?? []).map((part) => {
    const closes = part.startsWith("</");
    if (closes) depth = Math.max(0, depth - 1);
    const breaks = part.startsWith("<") && before.startsWith("<") && !(closes && /^<[^/?!]/.test(before));
    const indent = breaks ? `\n${"  ".repeat(depth)}` : "";
    if (/^<[^/?!]/.test(part) && !part.endsWith("/>")) depth += 1;
    before = part;
    return html`${indent}<span class=${part.startsWith("<") ? "name" : "string"}>${part}</span>`;
  });
}

function form(text) {
  return text.split("&").map((pair, place) => {
    const equals = pair.indexOf("=") < 0 ? pair.length : pair.indexOf("=");
    return html`${place > 0 && html`<span class="dim">&</span><wbr />`}<span class="name">${pair.slice(0, equals)}</span><span class="dim">${pair.slice(equals, equals + 1)}</span><span class="string">${pair.slice(equals + 1)}</span>`;
  });
}
