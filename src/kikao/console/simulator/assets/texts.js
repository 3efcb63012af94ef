// Text messages that came to the number of a phone, whatever else is on it.

import { Icon } from "./icons.js";
import { html } from "./lib.js";

export function Texts({ texts }) {
  return html`
    <ul class="texts" aria-label="Text messages" aria-live="polite">
      ${texts.map((text, at) => html`<li key=${`${at} ${text}`}><${Icon} name="message" /><span><b>SMS</b> ${text}</span></li>`)}
    </ul>
  `;
}
