// Line icons, drawn here so that no font and no host is needed. They are decoration: words say the same beside them.

import { html } from "./lib.js";

const PATHS = {
  wallet: "M4 7h14a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2h10v3M16 13.5h.01",
  bank: "M4 10 12 4l8 6M5 20h14M7 10v7M12 10v7M17 10v7",
  credit: "M12 4v16M16.5 8c-.6-1.4-2.3-2-4.5-2-2.6 0-4.3 1-4.3 2.9C7.7 13 16.7 11 16.7 15c0 2-2 3-4.7 3-2.3 0-4.2-.8-4.7-2.3",
  people: "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6M3.5 19a5.5 5.5 0 0 1 11 0M16 5.3a3 3 0 0 1 0 5.4M17 14a5 5 0 0 1 3.5 5",
  briefcase: "M4 8h16v11H4zM9 8V5h6v3M4 13h16",
  message: "M4 5h16v11H10l-4 4v-4H4z",
  phone: "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2",
  call: "M6 4h3l2 4-2 2a10 10 0 0 0 5 5l2-2 4 2v3a2 2 0 0 1-2 2A15 15 0 0 1 4 6a2 2 0 0 1 2-2z",
  hangup: "M3 14v-2c5-4.5 13-4.5 18 0v2l-5 1v-3a12 12 0 0 0-8 0v3z",
  unplug: "M4 20l4-4M9 11l4 4-2 2a3 3 0 0 1-4-4zM20 4l-4 4M15 13l-4-4 2-2a3 3 0 0 1 4 4z",
  redial: "M5 12a7 7 0 1 0 2-5M7 3v4h4",
  again: "M4 9h12a4 4 0 0 1 0 8h-6M7 5 4 9l3 4",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3.5 2",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  save: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3 19 19M19 5l-1.7 1.7M6.7 17.3 5 19",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8",
  chat: "M4 5h16v11H10l-4 4v-4H4zM8.5 9.5h7M8.5 12.5h4",
  plane: "M21 4 3 11l5.5 2.5L11 20l3-5 4 3zM8.5 13.5 21 4",
  send: "M4 12 20 5l-5 15-3.5-6.5zM11.5 13.5 20 5",
  pen: "M5 19l1-4L16.5 4.5l3 3L9 18zM14 7l3 3",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
  file: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  pin: "M12 21c4-5 6-8 6-11a6 6 0 0 0-12 0c0 3 2 6 6 11zM12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  link: "M14 4h6v6M20 4l-9 9M18 14v5H5V6h5",
  ticks: "M2 13l4 4 8-10M11 16l1 1 9-10",
  block: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M5.7 5.7l12.6 12.6",
  pause: "M9 5v14M15 5v14",
  refresh: "M19 12a7 7 0 1 1-2-5M17 3v4h-4",
};

/** An icon by name. A name that is no icon of ours is shown as it stands: a letter, an emoji. */
export function Icon({ name }) {
  if (!Object.hasOwn(PATHS, name)) {
    return html`<span class=${`glyph ${[...name].length > 2 ? "long" : ""}`} aria-hidden="true">${name}</span>`;
  }
  return html`
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d=${PATHS[name]} />
    </svg>
  `;
}
