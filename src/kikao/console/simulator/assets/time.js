// Moments and spans. Moments are seconds since the epoch, in the server's time.

import { useEffect, useState } from "./lib.js";

/** The server's clock as of now: {now, offset, read}, where `read` is when this browser heard of it. */
export const heard = (clock) => ({ ...clock, read: performance.now() });

/** The server's time now, ticking each second. */
export function useNow(clock) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return clock.now + (performance.now() - clock.read) / 1000;
}

/** "17:20:31" */
export const timeOfDay = (moment) => new Date(moment * 1000).toLocaleTimeString("en-GB");

/** "17:20" */
export const hourAndMinute = (moment) => timeOfDay(moment).slice(0, 5);

/** "21 Nov 2026, 17:20:31" */
export const dayAndTime = (moment) =>
  new Date(moment * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** "4 min 05 s", "2 h 10 min", "7 d 3 h": two units at most. */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0 s";
  const [unit, size] = units[first];
  const next = units[first + 1];
  const rest = next ? Math.floor((whole % size) / next[1]) : 0;
  return `${Math.floor(whole / size)} ${unit}${rest ? ` ${rest} ${next[0]}` : ""}`;
}
