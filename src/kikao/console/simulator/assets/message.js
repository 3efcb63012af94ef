// One message of a chat: text, a file, what can be tapped, and how far it came.

import { linkOf, pictureOf } from "./api.js";
import { Icon } from "./icons.js";
import { html } from "./lib.js";
import { hourAndMinute } from "./time.js";

const TICKS = { sent: "✓", delivered: "✓✓", read: "✓✓", failed: "!" };

/** `day` stands above it, where it begins one. `onOpen` opens its list, `onTap` gets a message and a button. */
export function Bubble({ message, phone, day, onTap, onOpen }) {
  const { mine, text, rows, opens, media, ticks, is_edited: isEdited } = message;
  const who = mine ? "You" : "The app";
  return html`
    ${day && html`<li class="day"><span>${day}</span></li>`}
    <li class=${`said ${mine ? "mine" : "theirs"}`}>
      <div class="bubble">
        <span class="hidden">${who}: </span>
        ${media && html`<${File} message=${message} phone=${phone} />`}
        ${!media && message.kind === "location" && html`<p class="file"><${Icon} name="pin" />Location</p>`}
        ${!media && message.kind.startsWith("contact") && html`<p class="file"><${Icon} name="people" />Contact</p>`}
        ${text && html`<p class="text">${text}</p>`}
        <p class="about">
          ${isEdited && html`<span>edited</span>`}
          <time>${hourAndMinute(message.at)}</time>
          ${ticks && html`<span class=${`ticks ${ticks}`} title=${ticks}><span aria-hidden="true">${TICKS[ticks]}</span><span class="hidden">${ticks}</span></span>`}
        </p>
      </div>
      ${opens
        ? html`<div class="taps"><div><button type="button" class="opens" aria-haspopup="dialog" onClick=${() => onOpen(message)}><${Icon} name="list" />${opens}</button></div></div>`
        : rows.length > 0 && html`<${Buttons} message=${message} phone=${phone} onTap=${onTap} />`}
    </li>
  `;
}

function Buttons({ message, phone, onTap }) {
  return html`
    <div class="taps">
      ${message.rows.map((row) => html`<div>${row.map((button) =>
        button.kind === "url"
          ? html`<a class="button" href=${linkOf(phone.id, message.id, button.place)} target="_blank" rel="noopener noreferrer"><${Icon} name="link" />${button.label}<span class="hidden"> (opens a page)</span></a>`
          : html`<button type="button" onClick=${() => onTap(message, button)}>${button.label}</button>`)}</div>`)}
    </div>
  `;
}

function File({ message, phone }) {
  const { name, kind, mime, is_picture: isPicture } = message.media;
  if (isPicture) return html`<img src=${pictureOf(phone.id, message.id)} alt=${message.text || `A ${kind}`} loading="lazy" />`;
  return html`<p class="file"><${Icon} name="file" /><span>${name || kind}<small>${mime}</small></span></p>`;
}
