/** How long a menu of the family waits. */

import type { FormatResult } from "../format.ts";
import type { Config } from "./config.ts";
import type { Dialect } from "./dialect.ts";

/**
 * A TIMEOUT of zero waits for ever. So does none, but then the caller's own timeout may be used. Without a menu and
 * with PROMPT 0 Syslinux boots at once, unless Shift or Alt is held down. Where a TIMEOUT is given all the same, it
 * is kept: there is no such key to hold here, and the time is the only chance to step in.
 */
export function menuTimes(
  config: Config,
  dialect: Dialect,
  showsMenu: boolean,
): Pick<FormatResult, "timeout" | "timeoutStyle"> {
  const { timeout, totaltimeout, prompt, menuHidden, hasMenuWords, noescape } = config;
  const isUboot = dialect === "u-boot";
  // Whichever ends first; a zero is none.
  const tenths = timeout && totaltimeout ? Math.min(timeout, totaltimeout) : timeout || totaltimeout || timeout;
  const seconds = tenths === null ? null : tenths === 0 ? Number.POSITIVE_INFINITY : tenths / 10;
  const prompts = showsMenu || prompt === null || prompt > 0;
  const atOnce = !isUboot && !prompts && config.default !== null && (noescape || !tenths);
  if (atOnce) return { timeout: 0, timeoutStyle: "hidden" };
  const style = menuHidden ? "hidden" : showsMenu || hasMenuWords || prompt ? "menu" : null;
  return { timeout: isUboot && seconds !== null ? Math.ceil(seconds) : seconds, timeoutStyle: style };
}
