// A web chat with an app that runs on kikao, as a module:
//
//     import { open } from "https://chat.example.com/socket/widget/kikao.js";
//     const chat = open({ getToken: async () => (await fetch("/chat-token")).text(), heading: "Help" });
//     chat.show();
//
// It defines <kikao-chat>, which can stand in a page as well. See docs/reference/widget.md.

import { KikaoChat } from "./element.js";

if (!customElements.get("kikao-chat")) customElements.define("kikao-chat", KikaoChat);

/** Put a chat on the page: into `element`, filling it, or into the corner. The other options are the attributes of
    <kikao-chat>, in camel case, and `getToken`. */
export function open({ element = null, getToken = null, ...attributes } = {}) {
  const chat = document.createElement("kikao-chat");
  chat.getToken = getToken;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    chat.setAttribute(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), value === true ? "" : value);
  }
  if (element) chat.setAttribute("inline", "");
  (element ?? document.body).append(chat);
  return chat;
}

export { KikaoChat };
