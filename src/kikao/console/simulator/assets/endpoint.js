// Which service a phone dials, with which number, in which language.

import { USERS } from "./first.js";
import { Icon } from "./icons.js";
import { html, useEffect, useId, useState } from "./lib.js";
import { isWeb } from "./phones.js";

/** Whether lists can show more than names. */
const RICH = CSS.supports("appearance", "base-select");
const COLOUR = /^#[0-9a-f]{6}$/i;

/** The head of a phone: endpoint, number, language. Changing the first two gives it a new line. */
export function Line({ phone, setup, calls, name }) {
  const id = useId();
  const endpoint = endpointOf(setup, phone);
  const locale = phone.conversation?.language || phone.conversation?.session?.locale || "";
  return html`
    <div class="endpoint">
      <${Tile} endpoint=${endpoint} />
      <label class="hidden" for=${`${id}-endpoint`}>Service of ${name}</label>
      <select id=${`${id}-endpoint`} class="title" value=${phone.endpoint} aria-describedby=${`${id}-about`}
        onChange=${(event) => calls.move(phone.slot, event.target.value, phone.number)}>
        ${RICH && html`<button><selectedcontent></selectedcontent></button>`}
        ${setup.endpoints.map((one) => html`
          <option value=${one.id} label=${RICH ? undefined : one.name}>
            <span><b>${one.name}</b> <small>${one.description}</small></span><${Tile} endpoint=${one} />
          </option>`)}
      </select>
      <p id=${`${id}-about`} class="about">${endpoint.description || endpoint.name}</p>
      <p class="way">${endpoint.code && html`<code>${endpoint.code}</code>`} <code>${endpoint.channel}/${endpoint.gateway}</code></p>
    </div>
    <div class="identity">
      <${NumberField} phone=${phone} setup=${setup} calls=${calls} />
      <label>
        <span>Language</span>
        <select value=${locale} onChange=${(event) => calls.speak(phone.slot, event.target.value)}>
          ${!(locale in setup.locales) && html`<option value=${locale}>${locale || "Not chosen"}</option>`}
          ${Object.entries(setup.locales).map(([code, said]) => html`<option value=${code}>${said}</option>`)}
        </select>
      </label>
    </div>
  `;
}

export const endpointOf = (setup, phone) => setup.endpoints.find(({ id }) => id === phone.endpoint);

/** The icon of an endpoint on its colour. */
export function Tile({ endpoint }) {
  const colour = COLOUR.test(endpoint.colour) ? endpoint.colour : "#4a5568";
  return html`
    <span class="tile" style=${{ background: colour, color: inkOn(colour) }}>
      <${Icon} name=${endpoint.icon || "phone"} />
    </span>
  `;
}

/** Takes effect when it is left or Enter is pressed, so that half a number is nobody. */
function NumberField({ phone, setup, calls }) {
  const id = useId();
  const [typed, setTyped] = useState(phone.number);
  useEffect(() => setTyped(phone.number), [phone.number]);
  function settle() {
    const number = isWeb(phone) ? typed.trim() : typed.replace(/[\s-]/g, "");
    if (!number) setTyped(phone.number);
    else if (number !== phone.number) calls.move(phone.slot, phone.endpoint, number);
  }
  return html`
    <label>
      <span>${isWeb(phone) ? "User" : "Number"}</span>
      <input type=${isWeb(phone) ? "text" : "tel"} autocomplete="off" list=${id} value=${typed} onInput=${(event) => setTyped(event.target.value)}
        onBlur=${settle} onKeyDown=${(event) => event.key === "Enter" && settle()} />
      <datalist id=${id}>${(isWeb(phone) ? USERS : setup.numbers).map((number) => html`<option value=${number}></option>`)}</datalist>
    </label>
  `;
}

/** Black or white, whichever reads better on a colour "#rrggbb" (WCAG relative luminance). */
function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}
