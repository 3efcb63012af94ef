// The page: phones on the left, on the right what the server made of them.

import * as api from "./api.js";
import { usePhones } from "./calls.js";
import { Icon } from "./icons.js";
import { Inspector } from "./inspector.js";
import { html, render, useEffect, useState } from "./lib.js";
import { ChatPhone } from "./chat.js";
import { Phone } from "./phone.js";
import { isChat, isWeb } from "./phones.js";
import { Shortcuts, useShortcuts } from "./shortcuts.js";
import { ThemeButton } from "./theme.js";
import { heard } from "./time.js";
import { TimeBar } from "./timebar.js";
import { WebChatPhone } from "./webchat.js";

function Page() {
  const [setup, setSetup] = useState(null);
  const [error, setError] = useState("");
  useEffect(() => {
    api.setup().then(setSetup, (failure) => setError(failure.message));
  }, []);
  if (error) return html`<main class="lonely"><h1>Simulator</h1><p class="error" role="alert">${error}</p></main>`;
  if (!setup) return html`<main class="lonely"><h1>Simulator</h1><p role="status">One moment …</p></main>`;
  return html`<${Desk} setup=${setup} />`;
}

function Desk({ setup }) {
  const calls = usePhones(setup);
  const { phones } = calls;
  const [clock, setClock] = useState(() => heard(setup.clock));
  const [chosen, choose] = useState(phones[0].slot);
  const [isHelping, setHelping] = useState(false);
  const active = phones.find(({ slot }) => slot === chosen) ?? phones[0];
  const place = phones.indexOf(active) + 1;

  usePolling(phones.some(({ conversation }) => conversation?.intents?.length), calls.refreshAll);
  useShortcuts(
    {
      KeyR: () => active.lastAhead !== null && calls.redial(active.slot),
      KeyA: () => !isWeb(active) && (isChat(active) ? calls.chat(active.slot, "deliver") : active.lastAhead !== null && calls.again(active.slot)),
      KeyH: () => active.line === "open" && calls.hangUp(active.slot),
      KeyL: () => (isWeb(active) ? calls.plug(active.slot, !active.isDown) : active.line === "open" && calls.drop(active.slot)),
      KeyN: () => focusPhone(calls.add()),
      KeyP: () => focusPhone(phones[place % phones.length].slot),
      KeyI: () => document.querySelector(".inspector [aria-selected=true]").focus(),
    },
    () => setHelping(true),
  );

  function moved(reading) {
    setClock(heard(reading));
    calls.refreshAll();
  }

  return html`
    <header class="top">
      <h1><img src="/simulator/assets/icon.svg" alt="" width="26" height="26" />kikao simulator</h1>
      <${TimeBar} clock=${clock} onMoved=${moved} />
      <div class="tools">
        <button type="button" class="quiet square" aria-label="Keys" title="Keys (?)" onClick=${() => setHelping(true)}>
          <${Icon} name="keyboard" />
        </button>
        <${ThemeButton} />
      </div>
    </header>
    <main>
      <section class="desk" aria-labelledby="phones-title">
        <header>
          <h2 id="phones-title">Phones</h2>
          <button type="button" onClick=${() => focusPhone(calls.add())}><${Icon} name="plus" />Add a phone</button>
        </header>
        <div class="phones">
          ${phones.map((phone, at) => html`
            <${isWeb(phone) ? WebChatPhone : isChat(phone) ? ChatPhone : Phone} key=${phone.slot} phone=${phone} place=${at + 1} isActive=${phone === active}
              isOnly=${phones.length === 1} setup=${setup} clock=${clock} calls=${calls}
              onActive=${() => choose(phone.slot)} />
          `)}
        </div>
      </section>
      <${Inspector} phone=${active} place=${place} setup=${setup} clock=${clock} calls=${calls} />
    </main>
    ${isHelping && html`<${Shortcuts} onClose=${() => setHelping(false)} />`}
  `;
}

/** While something is open on the server, it may end without us. */
function usePolling(isOn, look) {
  useEffect(() => {
    if (!isOn) return undefined;
    const timer = setInterval(look, 1000);
    return () => clearInterval(timer);
  }, [isOn]);
}

/** After the page has drawn it. */
function focusPhone(slot) {
  requestAnimationFrame(() => setTimeout(() => document.querySelector(`[data-slot="${slot}"] .typed`)?.focus()));
}

render(html`<${Page} />`, document.getElementById("app"));
