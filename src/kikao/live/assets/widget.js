// A web chat on any site, with one line:
//
//     <script src="https://chat.example.com/socket/widget.js" data-token-url="/chat-token" async></script>
//
// Each `data-` attribute is one of <kikao-chat>. The rest is loaded from where this came from, and from nowhere else.
(() => {
  const { src, dataset } = document.currentScript;
  const { title, ...options } = dataset;
  const isReady = document.readyState !== "loading" || new Promise((ready) => addEventListener("DOMContentLoaded", ready));
  Promise.all([import(new URL("widget/VERSION/kikao.js", src)), isReady]).then(
    ([{ open }]) => {
      // A line that a page has twice is one chat: another one has an id of its own.
      const chats = [...document.querySelectorAll("kikao-chat:not([inline])")];
      if (!chats.some(({ id }) => id === (options.id ?? ""))) open({ heading: title, ...options });
    },
    (error) => console.error("kikao: the chat cannot be loaded.", error),
  );
})();
