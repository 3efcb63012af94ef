// What a message shows besides text: pictures, recordings, documents, places, people.
// Files have a name in the message, and for some minutes an address, which is asked for when it is needed.

import { h, icon } from "./dom.js";
import { linkTo, sizeOf, webAddress } from "./text.js";

const ON_MAP = (latitude, longitude) =>
  `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;

/** One thing that is shown. `addressOf(thing)` resolves to where it is, or to nothing. */
export function shown(thing, { say, locale, addressOf }) {
  const caption = thing.caption ? h("figcaption", { class: "text", dir: "auto" }, thing.caption) : null;
  return h("figure", { class: thing.kind }, body(thing, { say, locale, addressOf }), caption);
}

function body(thing, { say, locale, addressOf }) {
  switch (thing.kind) {
    case "image":
      return picture(thing, thing.caption || thing.name || say("picture"), addressOf);
    case "audio":
      return played("audio", thing, thing.name || say("recording"), addressOf);
    case "video":
      return played("video", thing, thing.name || say("video"), addressOf);
    case "location":
      return linkTo(ON_MAP(Number(thing.latitude), Number(thing.longitude)), [icon("pin"), say("location")], say("page"), { class: "card" });
    case "contact":
      return h("a", { class: "card", href: `tel:${String(thing.number).replace(/[^+0-9]/g, "")}` }, icon("person"), h("span", {}, thing.name, h("small", { dir: "ltr" }, thing.number)));
    default:
      return document_(thing, { say, locale, addressOf });
  }
}

function picture(thing, said, addressOf) {
  const image = h("img", { alt: said, loading: "lazy", decoding: "async" });
  let tries = 0;
  const load = async () => {
    const address = tries++ < 2 && (await addressOf(thing));
    if (address) image.src = address;
    else image.replaceWith(h("span", { class: "card" }, icon("photo"), said));
  };
  image.addEventListener("error", load); // its address is good for minutes
  load();
  return image;
}

/** A recording: fetched when somebody wants to hear or see it. */
function played(kind, thing, said, addressOf) {
  const button = h("button", { type: "button", class: "card", onclick: play }, icon("play"), h("span", {}, said));
  async function play() {
    const src = await addressOf(thing);
    if (!src) return;
    let [at, tries] = [0, 0];
    const player = h(kind, { controls: true, src, playsinline: true, "aria-label": said, onerror: again, onplaying: () => (tries = 0), ontimeupdate: seen });
    button.replaceWith(player);
    player.focus();
    player.play().catch(() => {}); // the controls are there

    /** Where we are, as long as something of it is there. */
    function seen() {
      if (player.readyState > 0) at = player.currentTime;
    }

    /** It may be paused for longer than its address is good, or be longer itself. */
    async function again() {
      const [from, other] = [at, tries++ < 2 && (await addressOf(thing))];
      if (!other) return;
      player.src = other;
      player.currentTime = from;
      player.play().catch(() => {});
    }
  }
  return button;
}

function document_(thing, { say, locale, addressOf }) {
  const name = thing.name || say("file");
  const about = thing.size ? h("small", {}, sizeOf(thing.size, locale)) : null;
  if (webAddress(thing.url)) return linkTo(thing.url, name, say("page"), { class: "card" });
  return h("button", { type: "button", class: "card", onclick: open }, icon("file"), h("span", {}, name, about));
  async function open() {
    const href = await addressOf(thing);
    if (href) h("a", { href, download: name, target: "_blank", rel: "noopener noreferrer" }).click();
  }
}
