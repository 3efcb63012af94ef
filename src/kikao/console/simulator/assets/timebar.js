// The server's clock, and the buttons that move it forward.

import * as api from "./api.js";
import { Icon } from "./icons.js";
import { html, useState } from "./lib.js";
import { span, timeOfDay, useNow } from "./time.js";

const STEPS = [["+1 min", 60], ["+5 min", 300], ["+1 h", 3600], ["+24 h", 86400]];

/** `onMoved` gets the clock after it moved. */
export function TimeBar({ clock, onMoved }) {
  const now = useNow(clock);
  const [minutes, setMinutes] = useState("");
  const [error, setError] = useState("");

  async function move(seconds) {
    setError("");
    try {
      onMoved(await api.advance(seconds));
    } catch (failure) {
      setError(failure.message);
    }
  }

  function submit(event) {
    event.preventDefault();
    if (Number(minutes) > 0) move(Number(minutes) * 60).then(() => setMinutes(""));
  }

  return html`
    <section class="timebar" aria-label="Time">
      <p class="reading">
        <${Icon} name="clock" />
        <time>${timeOfDay(now)}</time>
        <span class="offset">${clock.offset >= 1 ? `${span(clock.offset)} ahead` : "real time"}</span>
      </p>
      <div class="joined" role="group" aria-label="Move time forward">
        ${STEPS.map(([label, seconds]) => html`<button type="button" onClick=${() => move(seconds)}>${label}</button>`)}
        <form onSubmit=${submit}>
          <input type="number" min="1" step="1" inputmode="numeric" aria-label="Minutes to move forward"
            placeholder="min" value=${minutes} onInput=${(event) => setMinutes(event.target.value)} />
          <button type="submit">Move</button>
        </form>
      </div>
      ${error && html`<p class="error" role="alert">${error}</p>`}
    </section>
  `;
}
