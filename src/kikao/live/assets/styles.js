// How the widget looks. A sheet made here and adopted by its shadow root: no policy of a site has to allow styles for it,
// and nothing of the site's own styles gets in, but the custom properties that begin with --kikao-.

const DARK = `
  --paper: var(--kikao-paper, #161b22); --wall: var(--kikao-wall, #0e1218); --ink: var(--kikao-ink, #e9edf2);
  --soft: #a7b2bf; --line: #303946; --edge: #7d8998; --theirs: var(--kikao-bubble, #252d38); --tint: #1d242d;
  --bad: #ffa198; --warn: #f4c778; --warn-wall: #2e2514; --shade: 0 10px 40px rgb(0 0 0 / 60%); color-scheme: dark;`;

const RULES = `
:host {
  --accent: var(--kikao-accent, #0b6e4f); --on: var(--kikao-on-accent, var(--kikao-reads, #fff));
  --paper: var(--kikao-paper, #fff); --wall: var(--kikao-wall, #f2f4f7); --ink: var(--kikao-ink, #17202b);
  --soft: #55606d; --line: #dbe0e7; --edge: #7c8796; --theirs: var(--kikao-bubble, #fff); --tint: #eaeef2;
  --bad: #a3221a; --warn: #6b4200; --warn-wall: #fdf1dc; --shade: 0 10px 40px rgb(15 25 40 / 26%);
  --round: var(--kikao-radius, 16px); --gap: var(--kikao-gap, 20px);
  all: initial; display: contents; color-scheme: light;
  font: 15px/1.45 var(--kikao-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
}
@media (prefers-color-scheme: dark) { :host(:not([theme="light"])) { ${DARK} } }
:host([theme="dark"]) { ${DARK} }
:host([inline]) { display: block; height: 32rem; max-height: 100%; min-height: 18rem; }
:host([hidden]) { display: none; }

*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
p, ol, ul, h2, figure, form { margin: 0; padding: 0; }
ol, ul { list-style: none; }
button, input, textarea { font: inherit; color: inherit; margin: 0; }
button { min-height: 44px; padding: 8px 14px; border: 1px solid transparent; border-radius: 12px; background: none; cursor: pointer; touch-action: manipulation; -webkit-tap-highlight-color: transparent; }
:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }
.icon { width: 1.35em; height: 1.35em; flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.square { display: grid; place-items: center; width: 44px; padding: 0; flex: none; }
.go { background: var(--accent); color: var(--on); }
.go:hover { filter: brightness(1.08); }
.quiet:hover { background: var(--tint); }

.launcher {
  position: fixed; inset-block-end: var(--gap); inset-inline-end: var(--gap); z-index: var(--kikao-layer, 2147483000);
  display: grid; place-items: center; width: 60px; height: 60px; padding: 0; border-radius: 50%;
  background: var(--accent); color: var(--on); box-shadow: var(--shade); transition: transform 0.15s;
}
.launcher:hover { transform: translateY(-2px); }
.launcher .icon { width: 28px; height: 28px; }
.launcher[aria-expanded="true"] .chat, .launcher[aria-expanded="false"] .down { display: none; }
.launcher:focus-visible { outline-color: var(--on); outline-offset: -6px; }
.badge { position: absolute; inset-block-start: -3px; inset-inline-end: -3px; min-width: 24px; padding: 0 6px; border: 2px solid #fff; border-radius: 99px; background: #b3261e; color: #fff; font-size: 13px; font-weight: 700; line-height: 20px; text-align: center; }
:host([position="start"]) .launcher, :host([position="start"]) .panel:not(.inline) { inset-inline: var(--gap) auto; }

.panel { margin: 0; padding: 0; border: 0; color: var(--ink); background: var(--paper); flex-direction: column; overflow: hidden; }
.panel[open], .panel.inline { display: flex; }
.panel:not(.inline) {
  position: fixed; inset: auto var(--gap) calc(var(--gap) + 72px) auto; inset-inline: auto var(--gap); z-index: var(--kikao-layer, 2147483000);
  width: var(--kikao-width, 384px); max-width: calc(100vw - 2 * var(--gap));
  height: var(--kikao-height, 640px); max-height: calc(100vh - 2 * var(--gap) - 72px);
  border: 1px solid var(--line); border-radius: var(--round); box-shadow: var(--shade);
}
.panel[open]:not(.inline) { animation: rise 0.18s ease-out; }
@keyframes rise { from { opacity: 0; transform: translateY(12px); } }
.panel.inline { position: relative; width: 100%; height: 100%; border: 1px solid var(--line); border-radius: var(--round); }
.panel::backdrop { background: none; }
.panel.whole:not(.inline) { inset: 0; width: 100%; max-width: none; height: 100vh; height: 100dvh; max-height: none; border: 0; border-radius: 0; }

.head { display: flex; align-items: center; gap: 10px; padding: 8px 8px 8px 16px; padding-inline: 16px 8px; background: var(--accent); color: var(--on); }
.head div { flex: 1; min-width: 0; }
.head h2 { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 16px; font-weight: 650; line-height: 1.3; }
.head p { min-height: 1.3em; font-size: 13px; line-height: 1.3; }
.head :focus-visible { outline-color: var(--on); outline-offset: -4px; }
.head .quiet:hover { background: color-mix(in srgb, var(--on) 16%, transparent); }
.banner { padding: 8px 16px; background: var(--warn-wall); color: var(--warn); font-size: 14px; border-block-end: 1px solid var(--line); }
.banner:empty { display: none; }

.reading { position: relative; flex: 1; min-height: 0; display: flex; background: var(--wall); }
.log { flex: 1; min-width: 0; overflow-y: auto; padding: 14px 12px; overscroll-behavior: contain; }
.log:focus-visible { outline-offset: -3px; }
.log ol { display: grid; grid-template-columns: minmax(0, 1fr); gap: 10px; }
li.mine, li.theirs { display: grid; gap: 6px; justify-items: start; max-width: 86%; }
li.theirs { justify-self: start; }
li.mine { justify-self: end; justify-items: end; }
.bubble { position: relative; max-width: 100%; padding: 8px 12px 5px; border: 1px solid var(--line); border-radius: var(--round); border-end-start-radius: 4px; background: var(--theirs); }
.mine .bubble { border-color: transparent; border-end-start-radius: var(--round); border-end-end-radius: 4px; background: var(--kikao-mine, var(--accent)); color: var(--kikao-on-mine, var(--on)); }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; }
.bubble a, .text a { color: inherit; text-underline-offset: 2px; }
.about { display: flex; align-items: center; justify-content: flex-end; gap: 4px; min-height: 16px; font-size: 12px; color: var(--soft); }
.mine .about { color: inherit; }
.about .icon { width: 14px; height: 14px; }
.about progress { width: 110px; height: 6px; accent-color: currentColor; }
.problem { display: flex; align-items: center; gap: 4px; font-weight: 650; }
.mine .bubble:has(.problem) { background: var(--theirs); color: var(--ink); border-color: var(--bad); }
.mine .problem { color: var(--bad); }
.again { padding: 4px 10px; margin: -6px -8px -6px 0; color: inherit; text-decoration: underline; font-size: 13px; }
.day, .note { justify-self: center; text-align: center; font-size: 13px; color: var(--soft); }
.day { justify-self: stretch; width: 100%; padding: 4px 0; }
li:has(> .day) { max-width: 100%; justify-self: stretch; }
li:has(> .day) > :not(.day) { max-width: 86%; }

figure { margin: 2px 0 6px; }
figure img { display: block; width: 260px; max-width: 100%; min-height: 120px; max-height: 320px; object-fit: cover; border-radius: 10px; background: var(--tint); }
figure audio, figure video { display: block; width: 260px; max-width: 100%; border-radius: 10px; }
figcaption { margin-top: 6px; }
.card { display: flex; align-items: center; gap: 10px; min-height: 44px; padding: 6px 4px; text-align: start; font-weight: 600; overflow-wrap: anywhere; text-decoration: none; }
button.card { padding: 6px 8px; margin: 0 -8px; }
button.card:hover { background: var(--tint); }
.card small { display: block; font-weight: 400; color: var(--soft); }
a.card { text-decoration: underline; }

.choices { display: flex; flex-wrap: wrap; gap: 6px; max-width: 100%; }
.choices.wide { flex-direction: column; align-items: stretch; }
.choice { display: inline-flex; align-items: center; justify-content: center; gap: 8px; min-height: 44px; max-width: 100%; padding: 8px 16px; border: 1.5px solid var(--edge); border-radius: 22px; background: var(--paper); color: var(--ink); font-weight: 600; overflow-wrap: anywhere; text-align: center; text-decoration: none; transition: background-color 0.12s, border-color 0.12s; }
.choice:hover { background: var(--tint); border-color: var(--ink); }
.wait { display: flex; gap: 5px; margin-top: 10px; padding: 12px 14px; width: max-content; border-radius: var(--round); border: 1px solid var(--line); background: var(--theirs); }
.wait span { width: 7px; height: 7px; border-radius: 50%; background: var(--soft); animation: wait 1.2s infinite; }
.wait span:nth-child(2) { animation-delay: 0.15s; }
.wait span:nth-child(3) { animation-delay: 0.3s; }
@keyframes wait { 0%, 60%, 100% { opacity: 0.35; } 30% { opacity: 1; } }
.latest { position: absolute; inset-block-end: 12px; inset-inline-end: 14px; display: grid; place-items: center; width: 44px; padding: 0; border-radius: 50%; border-color: var(--line); background: var(--paper); box-shadow: 0 2px 10px rgb(0 0 0 / 22%); }

.composer { padding: 10px; padding-block-end: max(10px, env(safe-area-inset-bottom)); border-block-start: 1px solid var(--line); background: var(--paper); display: grid; gap: 8px; }
.row { display: flex; align-items: end; gap: 8px; }
.row label { flex: 1; min-width: 0; display: grid; gap: 4px; font-size: 14px; font-weight: 600; }
.row label span { padding-inline: 4px; overflow-wrap: anywhere; }
.typed { flex: 1; width: 100%; min-width: 0; min-height: 44px; padding: 9px 14px; border: 1.5px solid var(--edge); border-radius: 22px; background: var(--paper); color: var(--ink); font-size: 16px; resize: none; }
.typed:focus-visible { outline-offset: 0; }
.typed::placeholder, .find::placeholder { color: var(--soft); opacity: 1; }
.row .go { border-radius: 50%; }
[dir="rtl"] .send { transform: scaleX(-1); }
.secret .typed { letter-spacing: 0.3em; }
.private { display: flex; align-items: center; gap: 6px; padding-inline: 4px; font-size: 13px; color: var(--soft); }
.wanted, .wanted button { display: flex; align-items: center; justify-content: center; gap: 8px; width: 100%; font-weight: 600; }
button.wanted, .wanted button { border: 1.5px solid var(--edge); border-radius: 22px; }
button.wanted:hover, .wanted button:hover { background: var(--tint); }
.over { padding: 4px 6px; text-align: center; }
.begin { font-weight: 650; border-radius: 22px; }

.sheet { position: absolute; inset: auto 0 0; z-index: 2; display: flex; flex-direction: column; max-height: 82%; background: var(--paper); border-block-start: 1px solid var(--line); border-radius: var(--round) var(--round) 0 0; box-shadow: 0 -8px 32px rgb(0 0 0 / 28%); animation: rise 0.16s ease-out; }
.sheet header { display: flex; align-items: center; justify-content: space-between; padding: 8px 8px 4px; padding-inline: 18px 8px; }
.sheet .find { margin: 0 12px 8px; min-height: 44px; padding: 8px 14px; border: 1.5px solid var(--edge); border-radius: 22px; background: var(--paper); font-size: 16px; }
.sheet ul { overflow-y: auto; overscroll-behavior: contain; padding-block-end: 8px; }
.sheet li button { display: block; width: 100%; min-height: 48px; padding: 10px 18px; border-radius: 0; border-block-start: 1px solid var(--line); text-align: start; overflow-wrap: anywhere; }
.sheet li button:hover { background: var(--tint); }
.sheet li button:focus-visible { outline-offset: -3px; }
.none { padding: 6px 18px 14px; color: var(--soft); }
.none:empty { display: none; }
.veil { position: absolute; inset: 0; z-index: 1; background: rgb(10 16 24 / 42%); }

@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; scroll-behavior: auto !important; }
}
@media (forced-colors: active) {
  .bubble, .launcher, .panel, .go { border: 1px solid; }
}
`;

/** Let a shadow root have it. */
export function dress(root) {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(RULES);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const style = document.createElement("style"); // browsers of before 2023
    style.textContent = RULES;
    root.append(style);
  }
}

/** Black or white, whichever reads better on a colour as a browser computes it (WCAG relative luminance). */
export function inkOn(colour) {
  const parts = colour.match(/^rgba?\(([\d.]+)[, ]+([\d.]+)[, ]+([\d.]+)/);
  if (!parts) return "#fff";
  const [r, g, b] = parts.slice(1).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}
