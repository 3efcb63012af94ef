// What went to the server and back, the newest last.

import { html } from "./lib.js";
import { DEEDS } from "./phones.js";
import { inMs } from "./raw.js";

/** `onShow` gets the number of the exchange to look at. */
export function History({ phone, onShow }) {
  if (!phone.exchanges.length) return html`<p class="nothing">Nothing was sent yet.</p>`;
  return html`
    <ol class="history">
      ${phone.exchanges.map((exchange) => html`
        <li>
          <button type="button" class="quiet" onClick=${() => onShow(exchange.n)}>
            <span class="n">${exchange.n}</span>
            <span class="deed">${DEEDS[exchange.deed]} ${said(exchange)}</span>
            ${exchange.repeated
              ? html`<span class="kind repeated">repeated</span>`
              : html`<span class="what">${exchange.what}</span>`}
            <span class=${exchange.status >= 200 && exchange.status < 300 ? "status" : "status wrong"}>${exchange.status || "no reply"}</span>
            <span class="ms">${inMs(exchange.ms)}</span>
          </button>
        </li>
      `)}
    </ol>
    <p class="nothing">Choose one to see its request and reply.</p>
  `;
}

function said({ deed, said: text, ahead }) {
  if (["webhook", "call", "event", "push"].includes(deed)) return html`<code>${text}</code>`;
  if (deed === "dial") return ahead ? html`<i>${ahead} ${ahead === 1 ? "answer" : "answers"} ahead</i>` : "";
  if (deed !== "answer") return "";
  return text === null ? html`<i>a secret, not kept</i>` : html`<code>${text}</code>`;
}
