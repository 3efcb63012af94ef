// Keys that work anywhere on the page, and the list of them.

import { html, useEffect, useRef } from "./lib.js";

const LIST = [
  ["Enter", "Dial, or send the answer or message"],
  ["0 – 9 * #", "Type on the phone that has the focus"],
  ["Alt + R", "Redial"],
  ["Alt + A", "Same request, or webhook, again"],
  ["Alt + H", "Hang up"],
  ["Alt + L", "Drop the line; of a web chat also connect it"],
  ["Alt + N", "Add a phone"],
  ["Alt + P", "Go to the next phone"],
  ["Alt + I", "Go to the inspector"],
  ["← →", "Between the tabs of the inspector"],
  ["?", "This list"],
];

/** `deeds` maps the code of a key held with Alt ("KeyR") to what it does; `onHelp` answers "?". */
export function useShortcuts(deeds, onHelp) {
  const latest = useRef();
  latest.current = { deeds, onHelp };
  useEffect(() => {
    function press(event) {
      if (event.ctrlKey || event.metaKey) return;
      // By the place of the key: with Alt, some systems make another letter of it.
      const deed = event.altKey && latest.current.deeds[event.code];
      const isTyping = event.target.closest?.("input, select, textarea");
      if (deed) {
        event.preventDefault();
        deed();
      } else if (event.key === "?" && !isTyping) {
        event.preventDefault();
        latest.current.onHelp();
      }
    }
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

/** The list, in front of the page. Escape closes it, as it does every dialog. */
export function Shortcuts({ onClose }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`
    <dialog ref=${dialog} class="shortcuts" aria-labelledby="shortcuts-title" onClose=${onClose}
      onClick=${(event) => event.target === dialog.current && dialog.current.close()}>
      <form method="dialog">
        <header><h2 id="shortcuts-title">Keys</h2><button class="quiet">Close</button></header>
        <dl>${LIST.map(([keys, does]) => html`<div><dt><kbd>${keys}</kbd></dt><dd>${does}</dd></div>`)}</dl>
      </form>
    </dialog>
  `;
}
