/** `rootdelay`: what is waited for before anything boots by itself. Pure. */

/** Waits for a device by name, besides those present at start. */
export interface RootDelay {
  /** `UUID=…`, `LABEL=…`, `PARTUUID=…`, `PARTLABEL=…` or a device's name; null to wait for the time alone. */
  readonly device: string | null;
  readonly seconds: number;
}

/** How long a device that `rootdelay` names is waited for, unless it says. */
export const NAMED_DEVICE_SECONDS = 30;

/** @returns null where the text is no whole number of seconds of at most six digits */
function parseSeconds(text: string): number | null {
  return /^\d{1,6}$/.test(text) ? Number(text) : null;
}

/** @returns null where the text is neither `SECONDS` nor `DEVICE[,SECONDS]` */
export function parseRootDelay(text: string): RootDelay | null {
  const alone = parseSeconds(text);
  if (alone !== null) return { device: null, seconds: alone };
  const comma = text.lastIndexOf(",");
  const device = (comma < 0 ? text : text.slice(0, comma)).replace(/^\/dev\//, "");
  const seconds = comma < 0 ? NAMED_DEVICE_SECONDS : parseSeconds(text.slice(comma + 1));
  return device === "" || seconds === null ? null : { device, seconds };
}
