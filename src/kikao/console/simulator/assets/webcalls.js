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
  /** "cut" its connection, or "log_out" its user. */
  tell: (slot, what) =>
    attempt(slot, async () => {
      await api.tell(await idOf(live(slot)), what);
      happen({ type: "known", slot, facts: { busy: false } });
    }),
});
