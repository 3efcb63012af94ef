// Everything done on this page as a transcript: a story to read, and a test to keep.

import * as api from "./api.js";
import { CopyButton } from "./copy.js";
import { Icon } from "./icons.js";
import { html, useEffect, useState } from "./lib.js";

/** Read again after each exchange of any phone. */
export function Transcript({ phones }) {
  const [text, setText] = useState(null);
  const [error, setError] = useState("");
  const done = phones.map(({ slot, sent, line }) => `${slot}:${sent}:${line}`).join();

  const attempt = (doing) => doing().then(setText, (failure) => setError(failure.message));
  useEffect(() => void attempt(api.transcript), [done]);

  function startAnew() {
    attempt(async () => {
      await api.forgetTranscript();
      return api.transcript();
    });
  }

  if (error) return html`<p class="error" role="alert">${error}</p>`;
  return html`
    <div class="toolbar">
      <${CopyButton} text=${text ?? ""} what="transcript" />
      <a class="button quiet" href=${api.TRANSCRIPT} download="transcript.txt"><${Icon} name="save" />Save</a>
      <button type="button" class="quiet" onClick=${startAnew}><${Icon} name="close" />Start anew</button>
    </div>
    ${text ? html`<pre class="transcript" tabindex="0" aria-label="Transcript">${text}</pre>` : html`<p class="nothing">Nothing was done yet.</p>`}
  `;
}
