// What web chats ask of the server beside their own socket.

import * as api from "./api.js";

/** To stand among the other calls, of which it uses some. */
export const webCalls = ({ live, idOf, anotherLine, attempt, happen }) => ({
  /** A token to open a socket with; of a phone that the server forgot, once it knows it again. */
  async token(slot) {
    const phone = live(slot);
    try {
      return await api.token(await idOf(phone));
    } catch (error) {
      if (error.status !== 404) throw error;
      const facts = await anotherLine(phone);
      happen({ type: "known", slot, facts });
      return api.token(facts.id);
    }
  },
  /** Its line is there, or not: down it stays until it is there again. */
  plug: (slot, isDown) =>
    attempt(slot, async () => {
      await api.tell(await idOf(live(slot)), isDown ? "drop" : "connect");
      happen({ type: "known", slot, facts: { busy: false, isDown } });
      // As when somebody looks at the page again: who has no connection tries now, rather than after a pause.
      if (!isDown) dispatchEvent(new Event("visibilitychange"));
    }),
  logOut: (slot) =>
    attempt(slot, async () => {
      await api.tell(await idOf(live(slot)), "log_out");
      happen({ type: "known", slot, facts: { busy: false } });
    }),
});
