// What the member sees, and what it takes of a page.

import { html } from "./lib.js";
import { LINES } from "./phones.js";
import { hourAndMinute, useNow } from "./time.js";

/** The screen of a phone; a screen reader says what appears on it. */
export function Screen({ phone, code, clock, name }) {
  const now = useNow(clock);
  const open = phone.line === "open";
  const text = phone.screen || (phone.line === "idle" ? "" : "(nothing to read)");
  return html`
    <div class=${`screen ${open ? "lit" : "dim"}`}>
      <p class="bar" aria-hidden="true"><span>${code}</span><span>${hourAndMinute(now)}</span></p>
      <output aria-label=${`Screen of ${name}`} aria-live="polite" aria-atomic="true">
        ${text ? html`<span class="text">${text}</span>` : html`<span class="blank">Dial ${code}</span>`}
      </output>
      <p class=${`line ${phone.line}`}>
        <span>${phone.busy ? "Waiting for the reply …" : LINES[phone.line]}</span>
        ${phone.secret && html`<span class="secret">secret asked for</span>`}
      </p>
    </div>
    <${Meter} phone=${phone} />
  `;
}

const ALPHABETS = { gsm7: ["GSM-7", "septets"], ucs2: ["UCS-2", "units"] };

/** Septets (or UCS-2 units) used of what a page of the gateway holds. */
function Meter({ phone }) {
  const { alphabet, used, budget } = phone.cost ?? { alphabet: "gsm7", used: 0, budget: 0 };
  const [short, unit] = ALPHABETS[alphabet] ?? [alphabet, "units"];
  const share = budget ? Math.min(100, (100 * used) / budget) : 0;
  const level = used > budget ? "over" : share > 90 ? "near" : "well";
  return html`
    <div class="meter">
      <div class=${`track ${level}`} role="meter" aria-label=${`${unit} used`} aria-valuemin="0"
        aria-valuemax=${budget || 1} aria-valuenow=${used} aria-valuetext=${`${used} of ${budget} ${unit}`}>
        <span style=${{ width: `${share}%` }}></span>
      </div>
      <p>
        <span>${budget ? html`<b>${used}</b> of ${budget} ${unit}` : "nothing sent yet"}</span>
        <span class="alphabet">${short}</span>
        <span>page <b>${phone.page}</b> of ${phone.pages}</span>
      </p>
    </div>
  `;
}
