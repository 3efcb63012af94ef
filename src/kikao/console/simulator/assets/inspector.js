// Beside the phones: what the server made of them.

import { Conversation } from "./conversation.js";
import { endpointOf, Tile } from "./endpoint.js";
import { History } from "./history.js";
import { Icon } from "./icons.js";
import { keep, recall } from "./kept.js";
import { html, useLayoutEffect, useState } from "./lib.js";
import { Raw } from "./raw.js";
import { Tabs } from "./tabs.js";
import { Transcript } from "./transcript.js";

const TABS = ["conversation", "raw", "history", "transcript"];

/** `phone` is the one that was used last. */
export function Inspector({ phone, place, setup, clock, calls }) {
  const [tab, choose] = useState(() => (TABS.includes(recall().tab) ? recall().tab : TABS[0]));
  useLayoutEffect(() => keep({ tab }), [tab]);
  const intents = phone.conversation?.intents?.length ?? 0;

  function showExchange(n) {
    calls.show(phone.slot, n);
    choose("raw");
  }

  return html`
    <section class="inspector" aria-labelledby="inspector-title">
      <header>
        <h2 id="inspector-title" tabindex="-1"><${Tile} endpoint=${endpointOf(setup, phone)} />Phone ${place}</h2>
        <code>${phone.number}</code>
        <button type="button" class="quiet square" aria-label="Read the conversation again" title="Read it again"
          onClick=${() => calls.refresh(phone.slot)}><${Icon} name="refresh" /></button>
      </header>
      <${Tabs} label="What to look at" chosen=${tab} onChoose=${choose} tabs=${[
        ["conversation", "Conversation", intents && `${intents} open`, () =>
          html`<${Conversation} conversation=${phone.conversation} clock=${clock} onExpired=${() => calls.refresh(phone.slot)} />`],
        ["raw", "Raw", 0, () => html`<${Raw} phone=${phone} />`],
        ["history", "History", phone.sent, () => html`<${History} phone=${phone} onShow=${showExchange} />`],
        ["transcript", "Transcript", 0, () => html`<${Transcript} phones=${calls.phones} />`],
      ]} />
    </section>
  `;
}
