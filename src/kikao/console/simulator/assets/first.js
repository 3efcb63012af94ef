// Which phones there are to begin with, and the number of one more.

import * as api from "./api.js";
import { recall } from "./kept.js";
import { newPhone } from "./phones.js";

/** Users of a web chat, as a site's tokens may name them: an app that keeps numbers asks for one. */
export const USERS = ["amina", "brian", "chebet", "daudi"];

/** The phones of before the reload, or one, and one for each chat. What the server still has of them is given back. */
export function firstPhones(setup) {
  const known = new Map(setup.endpoints.map((endpoint) => [endpoint.id, endpoint]));
  const kept = recall().phones.filter(({ endpoint, number }) => known.has(endpoint) && number);
  kept.forEach(({ id }) => api.giveBack(id));
  if (kept.length) return kept.map(({ endpoint, number }) => newPhone(known.get(endpoint), number));
  const firsts = ["ussd", "whatsapp", "telegram", setup.is_live && "socket"].map((channel) => setup.endpoints.find((one) => one.channel === channel));
  return firsts.filter(Boolean).map((endpoint, at) => newPhone(endpoint, endpoint.channel === "socket" ? USERS[0] : (setup.numbers[at] ?? setup.numbers[0])));
}

/** The first of the example numbers, or of the users of a web chat, that no phone has; the first of all when each is
    taken. */
export function freeNumber(setup, phones, endpoint) {
  const taken = new Set(phones.map(({ number }) => number));
  const examples = endpoint.channel === "socket" ? USERS : setup.numbers;
  return examples.find((number) => !taken.has(number)) ?? examples[0];
}
