// What went over the wire: a request and its reply, as they were.

import { CopyButton } from "./copy.js";
import { Coloured } from "./highlight.js";
import { html } from "./lib.js";
import { DEEDS } from "./phones.js";

/** The exchange that was chosen in the history, or the last one. */
export function Raw({ phone }) {
  const exchange = phone.exchanges.find(({ n }) => n === phone.shown) ?? phone.exchanges.at(-1);
  if (!exchange) return html`<p class="nothing">Nothing was sent yet.</p>`;
  const { n, deed, status, ms, repeated, request, reply, pushed } = exchange;
  return html`
    <p class="small">
      <span>Exchange ${n} of ${phone.sent}</span><span>${DEEDS[deed]}</span><span>${inMs(ms)}</span>
      ${repeated && html`<span class="kind repeated">repeated: the bytes of the first reply</span>`}
    </p>
    <${Message} title="Request" first=${`${request.method} ${request.path}`} message=${request} />
    ${reply
      ? html`<${Message} title="Reply" first=${deed === "event" ? "WebSocket" : `HTTP ${reply.status ?? status}`} message=${reply} />`
      : deed !== "push" && html`<h3>Reply</h3><p class="nothing">None: the connection was closed.</p>`}
    ${pushed &&
      html`<${Message} title="Call to the provider" first=${`${pushed.method} ${pushed.path}`} message=${pushed} />`}
  `;
}

export const inMs = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

function Message({ title, first, message }) {
  const headers = Object.entries(message.headers ?? {});
  const whole = [first, ...headers.map(([name, value]) => `${name}: ${value}`), "", message.body].join("\n");
  return html`
    <div class="message">
      <header><h3>${title}</h3><${CopyButton} text=${whole} what=${title.toLowerCase()} /></header>
      <pre tabindex="0" aria-label=${title}><b>${first}</b>${"\n"}${headers.map(([name, value]) =>
        html`<span class="header">${name}:</span> ${value}${"\n"}`)}${"\n"}<${Coloured} text=${message.body ?? ""} /></pre>
    </div>
  `;
}
