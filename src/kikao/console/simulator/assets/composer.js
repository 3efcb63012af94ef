// Where a member writes, or chooses what to send.

import { Icon } from "./icons.js";
import { html, useEffect, useRef, useState } from "./lib.js";

const SHARES = [
  ["photo", "image", "Photo"],
  ["document", "file", "Document"],
  ["location", "pin", "Location"],
  ["contact", "people", "Own number"],
];

export function Composer({ phone, calls, name }) {
  const { slot, chat, channel, secret } = phone;
  const field = useRef(null);
  const [text, setText] = useState("");
  const [isEditing, edit] = useState(false);
  const [isSharing, share] = useState(false);
  const isNew = channel === "telegram" && chat && !chat.messages.length;
  const last = chat?.messages.filter(({ mine, text: said }) => mine && said).at(-1);

  useEffect(() => setText(""), [phone.id]);

  function submit(event) {
    event.preventDefault();
    if (phone.busy || !text) return;
    calls.chat(slot, isEditing ? "edit" : "write", { text }, text);
    setText("");
    edit(false);
  }

  function beginEdit() {
    share(false);
    edit(true);
    setText(last.text);
    field.current.focus();
  }

  function send(what) {
    share(false);
    calls.chat(slot, "share", { what });
    field.current?.focus();
  }

  if (isNew) {
    return html`
      <button type="button" class="start" onClick=${() => calls.chat(slot, "write", { text: "/start" }, "/start")}>Start</button>
      <${Entry} ...${{ field, text, setText, submit, isEditing, secret, name, busy: phone.busy }} />`;
  }
  return html`
    ${isSharing && html`
      <div class="shares" role="group" aria-label=${`What ${name} can send`} onKeyDown=${(event) => event.key === "Escape" && share(false)}>
        ${SHARES.map(([what, icon, label]) => html`
          <button type="button" onClick=${() => send(what)}><${Icon} name=${icon} />${label}</button>`)}
        <button type="button" aria-disabled=${!last} onClick=${() => last && beginEdit()}><${Icon} name="pen" />Edit last</button>
      </div>`}
    <${Entry} ...${{ field, text, setText, submit, isEditing, secret, name, busy: phone.busy }}>
      <button type="button" class="square" aria-expanded=${isSharing} aria-label="Send something else" title="Send something else"
        onClick=${() => share(!isSharing)}><${Icon} name="plus" /></button>
    <//>`;
}

function Entry({ field, text, setText, submit, isEditing, secret, name, busy, children }) {
  const label = isEditing ? "Change it to" : secret ? "Secret asked for" : "Message";
  return html`
    <form class="composer" onSubmit=${submit} autocomplete="off">
      ${children}
      <label>
        <span class="hidden">${`${label}, ${name}`}</span>
        <input ref=${field} class="typed" type=${secret ? "password" : "text"} autocomplete="off" autocapitalize="off"
          spellcheck="false" placeholder=${label} value=${text} onInput=${(event) => setText(event.target.value)} />
      </label>
      <button type="submit" class="square go" aria-label="Send" title="Send" aria-disabled=${busy || !text}><${Icon} name="send" /></button>
    </form>
  `;
}
