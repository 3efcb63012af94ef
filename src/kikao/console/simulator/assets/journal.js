// The journal of a run: what it observed, in order, and how far back a member can go.

import { Icon } from "./icons.js";
import { html } from "./lib.js";

/** Entries {key, kind, value or absent, barrier}. */
export function Journal({ entries, isRunning }) {
  if (!isRunning) return html`<p class="nothing">No flow is running, and a journal goes with its run.</p>`;
  if (!entries.length) return html`<p class="nothing">Nothing yet: no question has been answered.</p>`;
  return html`
    <ol class="journal">
      ${entries.map(({ key, kind, value, absent, barrier }) => html`
        <li>
          <div class="entry">
            <code class="key"><${Key} of=${key} /></code>
            ${absent
              ? html`<span class="absent"><${Icon} name="lock" />absent: never kept</span>`
              : html`<span class="value"><${Value} value=${value} /></span>`}
            <span class=${`kind ${kind}`}>${kind}</span>
          </div>
          ${barrier && html`<p class="barrier"><span>no way back past here</span></p>`}
        </li>
      `)}
    </ol>
  `;
}

/** "register#1/pin#1", which breaks where its parts do. */
export function Key({ of: key }) {
  return key.split(/(?<=[/.])|(?=#)/).map((part, place) => html`${place > 0 && html`<wbr />`}${part}`);
}

/** Characters of JSON, and of a text, that are shown at once; a longer one opens. */
const SHORT = 48;
const SHORT_TEXT = 160;

/** A value as the journal holds it: text as it is, the rest as JSON. */
export function Value({ value }) {
  if (value === "") return html`<i>empty</i>`;
  if (value === undefined || value === null) return html`<i>nothing</i>`;
  const isText = typeof value === "string";
  const line = isText ? value : JSON.stringify(value, null, 1).replace(/\n */g, " "); // with blanks to break it at
  if (line.length <= (isText ? SHORT_TEXT : SHORT)) return html`<code>${line}</code>`;
  return html`
    <details>
      <summary><code>${line}</code></summary>
      <pre>${isText ? value : JSON.stringify(value, null, 2)}</pre>
    </details>
  `;
}
