// What survives a reload in this tab: which phones there are, and which view was open. Never what was typed.

const KEY = "kikao-simulator";

/** {phones: [{id, endpoint, number}], tab}; empty where nothing is kept, or where storage is closed to us. */
export function recall() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY)) ?? {};
    return { phones: Array.isArray(kept.phones) ? kept.phones : [], tab: kept.tab };
  } catch {
    return { phones: [] };
  }
}

export function keep(change) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ...recall(), ...change }));
  } catch {
    // A reload starts anew then, which is no reason to fail.
  }
}
