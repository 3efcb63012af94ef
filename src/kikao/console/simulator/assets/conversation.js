// The conversation as the engine sees it: session, open question, open intents, journal, data.

import { Journal, Key, Value } from "./journal.js";
import { html } from "./lib.js";
import { Clocks, Session } from "./session.js";
import { span, useNow } from "./time.js";

export function Conversation({ conversation, clock, onExpired }) {
  if (conversation?.problem) return html`<p class="error" role="alert">${conversation.problem}</p>`;
  if (!conversation?.session) {
    return html`<p class="nothing">No session. It begins with the first dial or message, and is gone when it has expired or ended.</p>`;
  }
  const { session, flow, journal, pending, intents, parked, notices, overlay, data } = conversation;
  return html`
    <${Clocks} session=${session} clock=${clock} onExpired=${onExpired} />
    <dl class="facts">
      <div><dt>Flow</dt><dd>${flow ? html`<code>${flow}</code>` : "none running"}</dd></div>
      ${overlay && html`<div><dt>Shown over it</dt><dd><code>${overlay}</code></dd></div>`}
      ${parked > 0 && html`<div class="warn"><dt>Parked</dt><dd>${parked}</dd></div>`}
      ${notices > 0 && html`<div><dt>Notices waiting</dt><dd>${notices}</dd></div>`}
    </dl>
    <${Intents} intents=${intents} clock=${clock} />
    <${Pending} pending=${pending} />
    <h3>Journal</h3>
    <${Journal} entries=${journal} isRunning=${flow !== ""} />
    <${Session} session=${session} />
    ${Object.keys(data ?? {}).length > 0 && html`
      <h3>Data of the session</h3>
      <dl class="facts">
        ${Object.entries(data).map(([key, value]) => html`<div><dt><code>${key}</code></dt><dd><${Value} value=${value} /></dd></div>`)}
      </dl>`}
  `;
}

function Pending({ pending }) {
  if (!pending) return "";
  const { key, tries, page, pages, error } = pending;
  return html`
    <h3>Open question</h3>
    <div class="card pending">
      <p><code><${Key} of=${key} /></code></p>
      <p class="small">
        <span>page ${page} of ${pages}</span>
        ${tries > 0 && html`<span>${tries} ${tries === 1 ? "try" : "tries"} so far</span>`}
      </p>
      ${error && html`<p class="wrong">${error}</p>`}
    </div>
  `;
}

/** Effects that were begun and of which nobody knows the end. */
function Intents({ intents, clock }) {
  const now = useNow(clock);
  if (!intents?.length) return "";
  return html`
    <h3>Open intents</h3>
    <ul class="intents">
      ${intents.map(({ key, kind, retry, since, tries, parked, at_work }) => html`
        <li class="card">
          <p><code><${Key} of=${key} /></code> <span class="kind">${kind}</span></p>
          <p class="small">
            <span>open for ${span(now - since)}</span>
            <span>${tries} ${tries === 1 ? "try" : "tries"}</span>
            <span>retry: ${retry}</span>
            ${at_work && html`<span>somebody is at work</span>`}
            ${parked && html`<span>of a parked run</span>`}
          </p>
        </li>
      `)}
    </ul>
  `;
}
