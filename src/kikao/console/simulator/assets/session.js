// The session of a conversation, with its clocks running down.

import { html, useEffect } from "./lib.js";
import { dayAndTime, span, useNow } from "./time.js";

/** How long it lasts. `onExpired` is called once, when the first of its clocks has run out. */
export function Clocks({ session, clock, onExpired }) {
  const now = useNow(clock);
  const ends = [session.idle_expires, session.absolute_expires].filter((moment) => moment);
  const isOver = ends.some((moment) => moment <= now);
  useEffect(() => {
    if (isOver && !session.expired) onExpired();
  }, [isOver]);
  return html`
    ${session.expired && html`<p class="over">This session is over. What is dialled or written next begins another.</p>`}
    <div class="clocks">
      <${Countdown} label="Session, idle" from=${session.seen} to=${session.idle_expires} now=${now} />
      <${Countdown} label="Session, in all" from=${session.created} to=${session.absolute_expires} now=${now} />
    </div>
  `;
}

/** The record, and the rules it lives by. */
export function Session({ session }) {
  return html`
    <h3>Session</h3>
    <dl class="facts">
      <div><dt>Key</dt><dd><code>${session.key}</code></dd></div>
      <div><dt>Version</dt><dd>${session.version}</dd></div>
      <div><dt>Member</dt><dd>${session.member ? html`<code>${session.member}</code>` : "unknown"}</dd></div>
      <div><dt>Language</dt><dd>${session.locale || "not chosen"}</dd></div>
      <div><dt>Created</dt><dd>${dayAndTime(session.created)}</dd></div>
      <div><dt>Last seen</dt><dd>${dayAndTime(session.seen)}</dd></div>
      ${Object.entries(session.policy ?? {}).map(([rule, value]) => html`
        <div class="rule"><dt>${rule.replaceAll("_", " ")}</dt><dd>${said(value)}</dd></div>`)}
    </dl>
  `;
}

function Countdown({ label, from, to, now }) {
  if (!to) return html`<div class="countdown"><p><span>${label}</span><b>no limit</b></p></div>`;
  const left = to - now;
  const share = Math.max(0, Math.min(100, (100 * left) / (to - from || 1)));
  return html`
    <div class=${`countdown ${share < 20 ? "soon" : ""}`}>
      <p><span>${label}</span><b>${left > 0 ? `${span(left)} left` : "expired"}</b></p>
      <div class="track" aria-hidden="true"><span style=${{ width: `${share}%` }}></span></div>
    </div>
  `;
}

/** Numbers of a policy are seconds. */
function said(value) {
  if (typeof value === "number") return value ? span(value) : "none";
  if (value === null || value === "") return "none";
  return Array.isArray(value) ? value.join(", ") || "none" : String(value);
}
