// A button that copies, and says whether it could.

import { Icon } from "./icons.js";
import { html, useEffect, useState } from "./lib.js";

/** `text` is what is copied, or a function that fetches it; `what` names it. */
export function CopyButton({ text, what }) {
  const [said, say] = useState("");
  useEffect(() => {
    const timer = said && setTimeout(() => say(""), 2000);
    return () => clearTimeout(timer);
  }, [said]);

  async function copy() {
    try {
      await navigator.clipboard.writeText(typeof text === "function" ? await text() : text);
      say("Copied");
    } catch {
      say("Not allowed here");
    }
  }

  return html`
    <button type="button" class="quiet" aria-label=${`Copy the ${what}`} onClick=${copy}><${Icon} name="copy" />${said || "Copy"}</button>
    <span class="hidden" role="status">${said}</span>
  `;
}
