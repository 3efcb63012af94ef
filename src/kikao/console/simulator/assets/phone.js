// One phone on the desk: its line, its screen, its keys, and what else can happen to a call.

import { endpointOf } from "./endpoint.js";
import { Icon } from "./icons.js";
import { Keypad } from "./keypad.js";
import { html, useRef, useState } from "./lib.js";
import { dialled } from "./phones.js";
import { nameOf, Place } from "./place.js";
import { Screen } from "./screen.js";
import { Texts } from "./texts.js";

/** Its properties are those of a `Place`, and the clock. */
export function Phone(at) {
  const { phone, setup, clock, calls } = at;
  const field = useRef(null);
  const name = nameOf(at.place);
  const { code, tells_end: tellsEnd, long_dial: takesLongDial } = endpointOf(setup, phone);
  const open = phone.line === "open";

  // What is typed for one question is never left standing in the next.
  const question = `${phone.id} ${phone.sent} ${phone.line}`;
  const [draft, setDraft] = useState({ question, text: "" });
  const typed = draft.question === question ? draft.text : "";
  const type = (text) => setDraft({ question, text });
  const press = (key) => setDraft((last) => ({ question, text: (last.question === question ? last.text : "") + key }));

  function submit(event) {
    event.preventDefault();
    if (phone.busy) return;
    if (open) calls.answer(phone.slot, typed);
    else calls.dial(phone.slot, typed.replace(/^\*|#$/g, ""));
    type("");
  }

  function typeAnywhere(event) {
    const inField = event.target.closest("input, select, textarea");
    if (inField || event.ctrlKey || event.altKey || event.metaKey || !/^[0-9*#]$/.test(event.key)) return;
    event.preventDefault();
    press(event.key);
    field.current.focus();
  }

  return html`
    <${Place} ...${at} onKeyDown=${typeAnywhere}>
      <div class="device" aria-busy=${phone.busy}>
        <${Screen} phone=${phone} code=${code} clock=${clock} name=${name} />
        <form onSubmit=${submit} autocomplete="off">
          <label>
            <span>${label(phone, takesLongDial)}</span>
            <input ref=${field} class="typed" type=${phone.secret ? "password" : "text"} autocomplete="off"
              autocapitalize="off" spellcheck="false" value=${typed} placeholder=${open ? "" : "1*0772000002*5000"}
              onInput=${(event) => type(event.target.value)} />
          </label>
          <div class="call">
            <button type="submit" class="go">
              <${Icon} name="call" />${open ? "Send" : html`Dial <code>${dialled(code, typed && "…")}</code>`}
            </button>
            <button type="button" class="stop" aria-disabled=${!open}
              title=${tellsEnd === false ? "This gateway tells nobody" : "The gateway tells the server"}
              onClick=${() => open && calls.hangUp(phone.slot)}><${Icon} name="hangup" />Hang up</button>
          </div>
        </form>
        <${Keypad} meanings=${phone.keys} name=${name} onKey=${press} />
      </div>

      <${Texts} texts=${phone.texts} />
      <${Mishaps} phone=${phone} open=${open} calls=${calls} name=${name} />
    <//>
  `;
}

function label(phone, takesLongDial) {
  if (phone.line !== "open") {
    return takesLongDial === false ? "Long dial: not by this gateway" : "Long dial: answers behind the code";
  }
  return phone.secret ? "Secret answer (never kept)" : "Answer";
}

/** What happens to calls in the field. */
function Mishaps({ phone, open, calls, name }) {
  const dialledOnce = phone.lastAhead !== null;
  return html`
    <div class="mishaps" role="group" aria-label=${`What happens to the call of ${name}`}>
      <button type="button" aria-disabled=${!open} title="The line drops, and nobody tells the server"
        onClick=${() => open && calls.drop(phone.slot)}><${Icon} name="unplug" />Drop line</button>
      <button type="button" aria-disabled=${!dialledOnce} title="Dial again as last time"
        onClick=${() => dialledOnce && calls.redial(phone.slot)}><${Icon} name="redial" />Redial</button>
      <button type="button" aria-disabled=${!dialledOnce} title="The gateway delivers the same request once more"
        onClick=${() => dialledOnce && calls.again(phone.slot)}><${Icon} name="again" />Same again</button>
    </div>
  `;
}
