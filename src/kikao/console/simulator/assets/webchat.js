// A browser with a web chat in it: the widget that sites have, with a token of whoever the phone says it is.

import { endpointOf } from "./endpoint.js";
import { Icon } from "./icons.js";
import { html, useEffect, useRef, useState } from "./lib.js";
import { nameOf, Place } from "./place.js";
import { Texts } from "./texts.js";

/** Its properties are those of a `Place`. */
export function WebChatPhone(at) {
  const { phone, setup, calls } = at;
  const { slot, isDown } = phone;
  return html`
    <${Place} ...${at}>
      <${Widget} phone=${phone} endpoint=${endpointOf(setup, phone)} calls=${calls} />
      <${Texts} texts=${phone.texts} />
      <div class="mishaps" role="group" aria-label=${`What happens to the chat of ${nameOf(at.place)}`}>
        <button type="button" aria-pressed=${isDown}
          title=${isDown ? "The line is there again: what waits is sent, and what was missed comes" : "The line breaks, and stays down until it is connected again"}
          onClick=${() => calls.plug(slot, !isDown)}><${Icon} name=${isDown ? "redial" : "unplug"} />${isDown ? "Connect" : "Drop line"}</button>
        <button type="button" title="The user logs out everywhere: what is open ends, and its tokens open nothing"
          onClick=${() => calls.logOut(slot)}><${Icon} name="lock" />Log out</button>
      </div>
    <//>
  `;
}

/** The widget itself, loaded from where sites load it. Another phone is another user, with another widget. */
function Widget({ phone, endpoint, calls }) {
  const box = useRef(null);
  const [problem, fail] = useState("");
  const theme = useTheme();
  const { id, slot } = phone;

  useEffect(() => {
    if (!id) return undefined;
    let chat = null;
    let isGone = false;
    const module = `${endpoint.path.replace(/\/websocket$/, "")}/widget/kikao.js`;
    import(module).then(
      ({ open }) => {
        if (isGone) return;
        const getToken = () => calls.token(slot);
        chat = open({ element: box.current, id: `web-${slot}`, heading: endpoint.name, accent: endpoint.colour, theme, getToken });
      },
      () => fail("The widget cannot be loaded."),
    );
    return () => {
      isGone = true;
      chat?.remove();
    };
  }, [id]);
  useEffect(() => box.current.firstElementChild?.setAttribute("theme", theme), [theme]);

  return html`
    <div class="device web" aria-busy=${phone.busy} ref=${box}></div>
    ${problem && html`<p class="error" role="alert">${problem}</p>`}
  `;
}

/** Light, dark or system, as the page was told; see `theme.js`. */
function useTheme() {
  const told = () => document.documentElement.dataset.theme ?? "system";
  const [theme, setTheme] = useState(told);
  useEffect(() => {
    const watch = new MutationObserver(() => setTheme(told()));
    watch.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => watch.disconnect();
  }, []);
  return theme;
}
