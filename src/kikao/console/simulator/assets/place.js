// A place on the desk: what is around every phone, whatever is on it.

import { Line } from "./endpoint.js";
import { Icon } from "./icons.js";
import { html } from "./lib.js";

/** What the phone of a place is called: they count from 1. */
export const nameOf = (place) => `phone ${place}`;

/** Its line, how to take it off the desk, and what went wrong; then `children`, which is the phone itself. `isActive`
    says that the inspector shows this one. */
export function Place({ phone, place, isActive, isOnly, setup, calls, onActive, onKeyDown, children }) {
  const name = nameOf(place);
  const { slot, error } = phone;
  return html`
    <article class=${`phone ${isActive ? "active" : ""}`} aria-label=${`Phone ${place}`} data-slot=${slot}
      onFocusIn=${onActive} onPointerDown=${onActive} onKeyDown=${onKeyDown}>
      <header>
        <${Line} phone=${phone} setup=${setup} calls=${calls} name=${name} />
        ${!isOnly && html`
          <button type="button" class="quiet square remove" aria-label=${`Remove ${name}`} title="Remove this phone"
            onClick=${() => calls.remove(slot)}><${Icon} name="close" /></button>`}
      </header>

      ${error && html`
        <div class="error" role="alert">
          <p>${error}</p>
          <button type="button" class="quiet" onClick=${() => calls.dismiss(slot)}>Dismiss</button>
        </div>`}

      ${children}
    </article>
  `;
}
