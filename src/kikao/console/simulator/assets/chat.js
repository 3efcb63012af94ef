// A phone with a chat on it: what its member writes, taps and sends, and what else happens to a chat.

import { ChatHead } from "./chathead.js";
import { Composer } from "./composer.js";
import { Icon } from "./icons.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./lib.js";
import { Bubble } from "./message.js";
import { nameOf, Place } from "./place.js";
import { Provider } from "./provider.js";
import { Texts } from "./texts.js";
import { span, timeOfDay, useNow } from "./time.js";

/** How close to its end, in pixels, a chat counts as read to the end, so that news scrolls it. */
const NEAR = 60;

/** Its properties are those of a `Place`, and the clock. */
export function ChatPhone(at) {
  const { phone, setup, clock, calls } = at;
  const name = nameOf(at.place);
  const { slot, chat } = phone;
  const [opened, open] = useState(null);

  const tap = (message, button) => {
    open(null);
    calls.chat(slot, "tap", { message: message?.id ?? "", button: button.place }, button.label);
  };

  return html`
    <${Place} ...${at}>
      <div class=${`device chat ${phone.channel}`} aria-busy=${phone.busy}>
        <${ChatHead} phone=${phone} setup=${setup} clock=${clock} />
        <${Messages} phone=${phone} name=${name} onTap=${tap} onOpen=${open} />
        ${opened && html`<${List} message=${opened} onTap=${tap} onClose=${() => open(null)} />`}
        <${Keyboard} rows=${chat?.keyboard ?? []} name=${name} onTap=${(button) => tap(null, button)} />
        <${Composer} phone=${phone} calls=${calls} name=${name} />
      </div>

      <${Texts} texts=${phone.texts} />
      <${Waiting} waiting=${chat?.waiting ?? []} clock=${clock} />
      <${Deeds} phone=${phone} calls=${calls} name=${name} />
      <${Provider} phone=${phone} calls=${calls} name=${name} />
    <//>
  `;
}

/** The chat itself; a screen reader says what comes. */
function Messages({ phone, name, onTap, onOpen }) {
  const log = useRef(null);
  const atEnd = useRef(true);
  const { chat } = phone;
  const messages = chat?.messages ?? [];
  useLayoutEffect(() => {
    if (atEnd.current) log.current.scrollTop = log.current.scrollHeight;
  }, [chat?.changes, messages.length]);

  function look() {
    const { scrollTop, scrollHeight, clientHeight } = log.current;
    atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR;
  }

  return html`
    <div class="chatlog" ref=${log} role="log" aria-label=${`Chat of ${name}`} tabindex="0" onScroll=${look}>
      ${messages.length === 0 && html`
        <p class="empty">${phone.channel === "telegram" ? "Tap Start, or write something." : "Write something, such as hello."}</p>`}
      <ol>
        ${messages.map((message, at) => html`
          <${Bubble} key=${message.id} message=${message} phone=${phone} isLast=${at === messages.length - 1}
            day=${dayAt(messages, at)} onTap=${onTap} onOpen=${onOpen} />
        `)}
      </ol>
      <${Note} chat=${chat} />
    </div>
  `;
}

/** The day that begins with a message; empty within one. */
function dayAt(messages, at) {
  const day = (message) => new Date(message.at * 1000).toLocaleDateString("en-GB", { dateStyle: "medium" });
  return at > 0 && day(messages[at - 1]) === day(messages[at]) ? "" : day(messages[at]);
}

/** What the answer to a tap says, for some seconds. */
function Note({ chat }) {
  const [seen, see] = useState(chat?.notes ?? 0);
  const isNew = Boolean(chat) && chat.notes > seen;
  useEffect(() => {
    const timer = isNew && setTimeout(() => see(chat.notes), 6000);
    return () => clearTimeout(timer);
  }, [isNew, chat?.notes]);
  return html`<p class="toast" role="status">${isNew && html`<span>${chat.note}</span>`}</p>`;
}

/** A list that was opened, over the chat; Escape closes it. */
function List({ message, onTap, onClose }) {
  const list = useRef(null);
  useEffect(() => list.current.querySelector("button.row").focus(), []);
  return html`
    <div class="sheet" ref=${list} role="dialog" aria-label=${message.opens}
      onKeyDown=${(event) => event.key === "Escape" && onClose()}>
      <header>
        <b>${message.opens}</b>
        <button type="button" class="quiet square" aria-label="Close the list" onClick=${onClose}><${Icon} name="close" /></button>
      </header>
      <ul>
        ${message.rows.flat().map((row) => html`
          <li><button type="button" class="row" onClick=${() => onTap(message, row)}>
            <span>${row.label}</span>${row.about && html`<small>${row.about}</small>`}
          </button></li>`)}
      </ul>
    </div>
  `;
}

/** Keys in place of the letters, as a bot on Telegram can have them. */
function Keyboard({ rows, name, onTap }) {
  if (!rows.length) return "";
  return html`
    <div class="keyboard" role="group" aria-label=${`Keyboard of ${name}`}>
      ${rows.map((row) => html`<div>${row.map((button) => html`
        <button type="button" onClick=${() => onTap(button)}>${button.label}</button>`)}</div>`)}
    </div>
  `;
}

/** Why something waits, where more can be said than a code. */
const REASONS = {
  window_closed: "outside the 24 hours, until the member writes",
  blocked: "the member blocked the app",
};

/** What the app has for the member that did not get away. */
function Waiting({ waiting, clock }) {
  const now = useNow(clock);
  if (!waiting.length) return "";
  return html`
    <ul class="waiting" aria-label="What did not get away">
      ${waiting.map(({ is_dead: isDead, due, reason }) => html`
        <li class=${isDead ? "dead" : ""}>
          <${Icon} name=${isDead ? "close" : "clock"} />
          <span>${isDead ? "Not sent" : due > now ? `Waits, tried again in ${span(due - now)}` : "Waits"}${reason && `: ${REASONS[reason] ?? reason}`}</span>
          ${!isDead && html`<time class="hidden">${timeOfDay(due)}</time>`}
        </li>`)}
    </ul>
  `;
}

/** What else a member does, and what happens on the way. */
function Deeds({ phone, calls, name }) {
  const { slot, chat, channel } = phone;
  const blocked = chat?.is_blocked ?? false;
  const wrote = chat?.messages.some(({ mine }) => mine) ?? false;
  return html`
    <div class="mishaps" role="group" aria-label=${`What happens to the chat of ${name}`}>
      <button type="button" aria-disabled=${!wrote} title="The provider delivers the last webhook once more"
        onClick=${() => wrote && calls.chat(slot, "deliver")}><${Icon} name="again" />Same again</button>
      ${channel === "whatsapp" && html`
        <button type="button" title="The member looks at the chat, and WhatsApp tells"
          onClick=${() => calls.chat(slot, "read")}><${Icon} name="ticks" />Read</button>`}
      <button type="button" aria-pressed=${blocked}
        title=${channel === "telegram" ? "The member stops the bot, and Telegram tells" : "WhatsApp tells nobody who blocks"}
        onClick=${() => calls.chat(slot, "block", { blocked: !blocked })}><${Icon} name="block" />${blocked ? "Unblock" : "Block"}</button>
    </div>
  `;
}
