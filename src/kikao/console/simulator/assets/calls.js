// What the phones do: each call to the server, and what the page makes of the answer.

import * as api from "./api.js";
import { keep, recall } from "./kept.js";
import { useEffect, useLayoutEffect, useReducer, useRef } from "./lib.js";
import { newPhone, reduce } from "./phones.js";

/** The phones of the page, and what can be done with them. */
export function usePhones(setup) {
  const [phones, happen] = useReducer(reduce, setup, firstPhones);
  const current = useRef(phones);
  current.current = phones;
  const live = (slot) => current.current.find((one) => one.slot === slot);

  useEffect(() => {
    phones.forEach((phone) => connect(phone.slot, phone.endpoint, phone.number));
  }, []);
  useLayoutEffect(() => {
    keep({ phones: phones.map(({ id, endpoint, number }) => ({ id, endpoint, number })) });
  }, [phones]);

  async function attempt(slot, doing) {
    happen({ type: "started", slot });
    try {
      await doing();
    } catch (error) {
      happen({ type: "failed", slot, error: error.message });
    }
  }

  function connect(slot, endpoint, number) {
    return attempt(slot, async () => {
      const { id } = await api.addPhone(endpoint, number);
      const conversation = await api.conversation(id);
      const phone = live(slot);
      if (phone?.endpoint === endpoint && phone.number === number) {
        happen({ type: "known", slot, facts: { id, conversation, busy: false } });
      } else {
        giveBack(id); // it was moved or removed meanwhile
      }
    });
  }

  async function refresh(slot) {
    const phone = live(slot);
    if (!phone?.id || phone.busy) return;
    try {
      const conversation = await api.conversation(phone.id);
      const since = live(slot);
      // What a turn told meanwhile is newer.
      if (since?.id === phone.id && since.exchanges === phone.exchanges && !since.busy) {
        happen({ type: "known", slot, facts: { conversation } });
      }
    } catch (error) {
      happen({ type: "failed", slot, error: error.message });
    }
  }

  /** A new phone for one that the server no longer knows, after a restart of it. */
  async function anotherLine({ endpoint, number }) {
    const { id } = await api.addPhone(endpoint, number);
    return { id, line: "idle", secret: false, keys: {} };
  }

  /** What the server calls a phone, which it may not know yet: it was away when the phone came. */
  async function idOf(phone) {
    if (phone.id) return phone.id;
    const facts = await anotherLine(phone);
    happen({ type: "known", slot: phone.slot, facts });
    return facts.id;
  }

  const refreshAll = () => Promise.all(current.current.map(({ slot }) => refresh(slot)));

  /** A deed of phones.js; `said` is what the history shows, unless it was a secret. */
  async function act(slot, deed, body = {}, said = null) {
    const phone = live(slot);
    if (!phone || phone.busy) return;
    await attempt(slot, async () => {
      const id = await idOf(phone);
      try {
        const step = await api.act(id, deed, body);
        happen({ type: "stepped", slot, deed, said, ahead: body.ahead ?? "", step });
      } catch (error) {
        if (error.status === 404) happen({ type: "known", slot, facts: await anotherLine(phone) });
        throw error;
      }
    });
    // A member's turn can be another one's news: the sender's payment, the recipient's notice.
    current.current.filter((one) => one.slot !== slot).forEach((one) => refresh(one.slot));
  }

  return {
    phones,
    refresh,
    refreshAll,
    dial: (slot, ahead = "") => act(slot, "dial", { ahead }),
    answer: (slot, text) => act(slot, "answer", { text }, text),
    again: (slot) => act(slot, "again"),
    hangUp: (slot) => act(slot, "hang_up"),
    drop: (slot) => act(slot, "drop"),
    redial: (slot) => act(slot, "dial", { ahead: live(slot).lastAhead ?? "" }),
    show: (slot, exchange) => happen({ type: "known", slot, facts: { shown: exchange } }),
    dismiss: (slot) => happen({ type: "known", slot, facts: { error: "" } }),
    speak: (slot, locale) =>
      attempt(slot, async () => {
        const conversation = await api.switchLanguage(await idOf(live(slot)), locale);
        happen({ type: "known", slot, facts: { conversation, busy: false } });
      }),
    add() {
      const phone = newPhone(setup.endpoints[0].id, freeNumber(setup, current.current));
      happen({ type: "added", phone });
      connect(phone.slot, phone.endpoint, phone.number);
      return phone.slot;
    },
    remove(slot) {
      const { id } = live(slot);
      happen({ type: "removed", slot });
      giveBack(id);
    },
    move(slot, endpoint, number) {
      const { id } = live(slot);
      happen({ type: "moved", slot, endpoint, number });
      giveBack(id);
      connect(slot, endpoint, number);
    },
  };
}

/** The phones of before the reload, or one. What the server still has of them is given back. */
function firstPhones(setup) {
  const known = new Set(setup.endpoints.map(({ id }) => id));
  const kept = recall().phones.filter(({ endpoint, number }) => known.has(endpoint) && number);
  kept.forEach(({ id }) => giveBack(id));
  if (kept.length) return kept.map(({ endpoint, number }) => newPhone(endpoint, number));
  return [newPhone(setup.endpoints[0].id, setup.numbers[0])];
}

/** The server needs to keep it no longer. After a restart it may not know it at all. */
function giveBack(id) {
  if (id) api.removePhone(id).catch(() => {});
}

/** The first of the example numbers that no phone has; the first of all when each is taken. */
function freeNumber(setup, phones) {
  const taken = new Set(phones.map(({ number }) => number));
  return setup.numbers.find((number) => !taken.has(number)) ?? setup.numbers[0];
}
