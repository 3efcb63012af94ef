// Tabs by the ARIA pattern: one stop of the tab key, arrows between them.

import { html, useId, useRef } from "./lib.js";

/** `tabs` are [id, title, badge, panel]; the panel is a function, called for the chosen one only. */
export function Tabs({ tabs, chosen, onChoose, label }) {
  const prefix = useId();
  const list = useRef(null);

  function move(event) {
    const at = tabs.findIndex(([id]) => id === chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    onChoose(tabs[next][0]);
    list.current.children[next].focus();
  }

  const [, , , panel] = tabs.find(([id]) => id === chosen);
  return html`
    <div class="tabs" role="tablist" aria-label=${label} ref=${list} onKeyDown=${move}>
      ${tabs.map(([id, title, badge]) => html`
        <button type="button" role="tab" id=${`${prefix}-${id}`} aria-selected=${id === chosen}
          aria-controls=${`${prefix}-panel`} tabindex=${id === chosen ? 0 : -1} onClick=${() => onChoose(id)}>
          ${title}${badge ? html`<span class="badge">${badge}</span>` : ""}
        </button>
      `)}
    </div>
    <div class="panel" role="tabpanel" id=${`${prefix}-panel`} aria-labelledby=${`${prefix}-${chosen}`} tabindex="0">
      ${panel()}
    </div>
  `;
}
