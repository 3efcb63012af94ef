// The head of a chat: with whom, whether somebody is at work, and for how long a business may write anything.

import { endpointOf, Tile } from "./endpoint.js";
import { html } from "./lib.js";
import { span, useNow } from "./time.js";

export function ChatHead({ phone, setup, clock }) {
  const endpoint = endpointOf(setup, phone);
  const { chat } = phone;
  return html`
    <div class="chathead">
      <${Tile} endpoint=${endpoint} />
      <p><b>${endpoint.name}</b><span>${standing(phone)}</span></p>
      ${chat?.open_until != null && html`<${Window} until=${chat.open_until} clock=${clock} />`}
    </div>
  `;
}

function standing({ busy, chat }) {
  if (chat?.is_blocked) return "blocked";
  if (busy || chat?.is_spinning) return "…";
  return chat?.provider.is_holding ? "webhooks are held back" : "online";
}

/** WhatsApp's window of 24 hours, which opens with each message of the member. */
function Window({ until, clock }) {
  const left = until - useNow(clock);
  const isOpen = left > 0;
  const said = isOpen ? `open ${span(left).split(" ").slice(0, 2).join(" ")}` : until ? "closed" : "not open yet";
  return html`
    <span class=${`window ${isOpen ? "open" : "shut"}`}
      title="For 24 hours after the member wrote, anything may be written to them; then only templates">
      <span class="hidden">Window: </span>${said}
    </span>
  `;
}
