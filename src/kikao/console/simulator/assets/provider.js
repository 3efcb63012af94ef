// The provider between the phones and the app: how it is, and in which order it tells what members do.

import { Icon } from "./icons.js";
import { html, useId } from "./lib.js";

const MOODS = [
  ["well", "Well"],
  ["down", "Down: calls fail"],
  ["busy", "Busy: too many calls"],
  ["silent", "Silent: answers are lost"],
];
const NAMES = { whatsapp: "WhatsApp", telegram: "Telegram" };

/** All phones of a channel share it. */
export function Provider({ phone, calls, name }) {
  const id = useId();
  const { slot, chat, channel } = phone;
  if (!chat) return "";
  const { mood, is_holding: isHolding, held, takes_batches: takesBatches } = chat.provider;
  const release = (order) => calls.chat(slot, "release", { order });
  return html`
    <div class="provider" role="group" aria-label=${`${NAMES[channel]}, for ${name}`}>
      <label for=${id}>${NAMES[channel]} is</label>
      <select id=${id} value=${mood} class=${mood === "well" ? "" : "unwell"}
        onChange=${(event) => calls.chat(slot, "provider", { mood: event.target.value })}>
        ${MOODS.map(([value, label]) => html`<option value=${value}>${label}</option>`)}
      </select>
      ${isHolding
        ? html`
          <span class="held"><b>${held}</b> held back</span>
          <button type="button" onClick=${() => release("in_order")}>Release</button>
          <button type="button" onClick=${() => release("backwards")}>Backwards</button>
          ${takesBatches && html`<button type="button" onClick=${() => release("in_one")}>In one</button>`}`
        : html`
          <button type="button" title="Webhooks of all phones of this channel wait until they are released"
            onClick=${() => calls.chat(slot, "hold")}><${Icon} name="pause" />Hold back webhooks</button>
          ${held > 0 && html`<span class="held"><b>${held}</b> not taken yet</span>`}`}
    </div>
  `;
}
