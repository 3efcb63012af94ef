// Elements, made without a parser: no text of anybody is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element. A property that begins with `on` is a listener, `true` and `false` are bare attributes, `null` is none. */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value;
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? "" : value);
    }
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An id that nobody gave before. `randomUUID` is only there on pages that came over https. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const PATHS = {
  chat: "M4.5 5h15A1.5 1.5 0 0 1 21 6.5v9a1.5 1.5 0 0 1-1.5 1.5H11l-4.5 4v-4h-2A1.5 1.5 0 0 1 3 15.5v-9A1.5 1.5 0 0 1 4.5 5zM8 9.5h8M8 12.7h5",
  close: "M6 6l12 12M18 6 6 18",
  send: "M4.5 12 20 4.5 15 20l-3.2-6.3zM11.8 13.7 20 4.5",
  file: "M6.5 3h7.5l4 4v14H6.5zM13.5 3v4.5H18M9.5 12h5.5M9.5 16h5.5",
  pin: "M12 21c4.3-4.8 6.5-8.2 6.5-11a6.5 6.5 0 0 0-13 0c0 2.8 2.2 6.2 6.5 11zM12 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20.5a7.5 7.5 0 0 1 15 0",
  list: "M8.5 6.5H20M8.5 12H20M8.5 17.5H20M4.5 6.5h.01M4.5 12h.01M4.5 17.5h.01",
  link: "M14 4.5h5.5V10M19.5 4.5l-9 9M17.5 14v5h-12V7h5",
  lock: "M6 11h12v9.5H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  clock: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17M12 7.5V12l3 2",
  warning: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.3h.01",
  tick: "M5 12.5 10 17.5 19.5 7",
  down: "M6 9.5l6 6 6-6",
  play: "M8 5.5v13l10.5-6.5z",
  photo: "M4 5.5h16v13H4zM4 16l5-5 4.5 4.5 2.5-2.5 4 4M15.5 9.3h.01",
};

/** A line icon. It is decoration: words say the same. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon ${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
