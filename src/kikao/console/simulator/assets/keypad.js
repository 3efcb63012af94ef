// The twelve keys. Those that answer the open screen stand out, and say what they mean.

import { html } from "./lib.js";

const KEYS = [..."123456789*0#"];

/** `meanings` maps keys to labels; `onKey` gets the key. */
export function Keypad({ meanings, onKey, name }) {
  return html`
    <div class="keypad" role="group" aria-label=${`Keys of ${name}`}>
      ${KEYS.map((key) => {
        const meaning = meanings[key];
        return html`
          <button type="button" class=${meaning ? "meant" : ""} title=${meaning}
            aria-label=${meaning ? `${key}, ${meaning}` : key} onClick=${() => onKey(key)}>${key}</button>
        `;
      })}
    </div>
  `;
}
