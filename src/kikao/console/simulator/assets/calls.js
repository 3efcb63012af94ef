// What the phones do: each call to the server, and what the page makes of the answer.

import * as api from "./api.js";
import { firstPhones, freeNumber } from "./first.js";
import { keep } from "./kept.js";
import { useEffect, useLayoutEffect, useReducer, useRef } from "./lib.js";
import { isChat, isWeb, newPhone, reduce } from "./phones.js";
import { webCalls } from "./webcalls.js";

/** Milliseconds between two looks at whether something happened in a chat by itself. */
const LOOK = 1000;

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

  useLooking(setup.endpoints.some(isChat), look);

  /** What happened by itself: a payment of somebody else, a secret that was entered on its page, an SMS. */
  async function look() {
    if (document.hidden) return;
    try {
      const now = await api.phones();
      const changes = new Map(now.map((one) => [one.id, one.changes]));
      now.forEach(({ id, texts = [] }) => {
        const phone = current.current.find((one) => one.id === id);
        if (phone && phone.texts.join("\n") !== texts.join("\n")) happen({ type: "known", slot: phone.slot, facts: { texts } });
      });
      const chats = current.current.filter((one) => isChat(one) && one.id && !one.busy);
      const changed = chats.filter(({ id, chat }) => chat?.waiting.length || (changes.get(id) ?? 0) > (chat?.changes ?? 0));
      await Promise.all(changed.map(({ slot }) => refresh(slot)));
    } catch {
      // It says so itself as soon as somebody does something.
    }
  }

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
      const isChatting = isChat(live(slot) ?? {});
      const seen = isChatting ? await api.chat(id, 0) : await api.conversation(id);
      const phone = live(slot);
      if (phone?.endpoint === endpoint && phone.number === number) {
        happen({ type: "known", slot, facts: isChatting ? { id } : { id, conversation: seen, busy: false } });
        if (isChatting) happen({ type: "chatted", slot, step: seen, isDone: true });
      } else {
        api.giveBack(id); // it was moved or removed meanwhile
      }
    });
  }

  async function refresh(slot) {
    const phone = live(slot);
    if (!phone?.id || phone.busy) return;
    try {
      if (isChat(phone)) {
        const step = await api.chat(phone.id, phone.sent);
        if (live(slot)?.id === phone.id && !live(slot).busy) happen({ type: "chatted", slot, step });
        return;
      }
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
    return { id, line: "idle", secret: false, keys: {}, chat: null, sent: 0, exchanges: [], isDown: false };
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

  /** Something in a chat; the history shows what went over the wire for it. */
  async function chat(slot, deed, body = {}) {
    const phone = live(slot);
    if (!phone || phone.busy) return;
    await attempt(slot, async () => {
      const id = await idOf(phone);
      try {
        happen({ type: "chatted", slot, step: await api.actInChat(id, deed, body, live(slot).sent), isDone: true });
      } catch (error) {
        if (error.message.startsWith("there is no such phone")) {
          happen({ type: "known", slot, facts: await anotherLine(phone) });
        }
        throw error;
      }
    });
    current.current.filter((one) => one.slot !== slot).forEach((one) => refresh(one.slot));
  }

  return {
    phones,
    chat,
    ...webCalls({ live, idOf, anotherLine, attempt, happen }),
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
      const phone = newPhone(setup.endpoints[0], freeNumber(setup, current.current, setup.endpoints[0]));
      happen({ type: "added", phone });
      connect(phone.slot, phone.endpoint, phone.number);
      return phone.slot;
    },
    remove(slot) {
      const { id } = live(slot);
      happen({ type: "removed", slot });
      api.giveBack(id);
    },
    move(slot, endpoint, number) {
      const { id, channel } = live(slot);
      const to = setup.endpoints.find((one) => one.id === endpoint);
      const isOther = isWeb(to) !== isWeb({ channel }); // a user has a name, and a phone a number
      const who = isOther ? freeNumber(setup, current.current, to) : number;
      happen({ type: "moved", slot, endpoint: to, number: who });
      api.giveBack(id);
      connect(slot, endpoint, who);
    },
  };
}

/** Call `look` again and again while it `isOn`. */
function useLooking(isOn, look) {
  const latest = useRef();
  latest.current = look;
  useEffect(() => {
    if (!isOn) return undefined;
    const timer = setInterval(() => latest.current(), LOOK);
    return () => clearInterval(timer);
  }, [isOn]);
}
