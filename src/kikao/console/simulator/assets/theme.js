// Light, dark, or as the system says. The choice is kept in this browser.

import { html, useEffect, useState } from "./lib.js";
import { Icon } from "./icons.js";

const SYSTEM = matchMedia("(prefers-color-scheme: dark)");
const KEY = "kikao-simulator-theme";

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // closed to us, as in some private windows
  }
}

/** A button that turns the page dark or light. */
export function ThemeButton() {
  const [theme, choose] = useState(kept);
  const [systemIsDark, setSystemIsDark] = useState(SYSTEM.matches);
  useEffect(() => {
    const follow = () => setSystemIsDark(SYSTEM.matches);
    SYSTEM.addEventListener("change", follow);
    return () => SYSTEM.removeEventListener("change", follow);
  }, []);
  useEffect(() => {
    if (!theme) return;
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // It holds until the next reload then.
    }
  }, [theme]);
  const dark = theme ? theme === "dark" : systemIsDark;
  const other = dark ? "light" : "dark";
  return html`
    <button type="button" class="quiet square" onClick=${() => choose(other)} aria-label=${`Turn ${other}`}
      title=${`Turn ${other}`}>
      <${Icon} name=${dark ? "sun" : "moon"} />
    </button>
  `;
}
