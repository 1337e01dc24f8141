/** What stands behind a kernel's URL. Pure. */

/** What a kernel that is named by itself is started with. */
export interface KernelExtras {
  readonly initrd: readonly string[];
  readonly options: string;
}

/**
 * What stands behind `#` in a URL that somebody gives: `sha256=…` of the file, and beside a kernel `initrd=URL` (several
 * times for several) and `options=TEXT` for its command line, percent-encoded where they have `&` or `#` in them.
 */
export function splitFragment(
  text: string,
  given: KernelExtras,
): { readonly url: string; readonly extras: KernelExtras } {
  const hash = text.indexOf("#");
  if (hash < 0) return { url: text, extras: given };
  const kept: string[] = [];
  const initrd: string[] = [];
  let { options } = given;
  for (const part of text.slice(hash + 1).split("&")) {
    const [, name, value = ""] = /^(initrd|options)=(.*)$/s.exec(part) ?? [];
    if (name === undefined) kept.push(part);
    else if (name === "initrd") initrd.push(decoded(value));
    else options = `${options} ${decoded(value)}`.trim();
  }
  const fragment = kept.filter((part) => part !== "").join("&");
  return {
    url: text.slice(0, hash) + (fragment === "" ? "" : `#${fragment}`),
    extras: { initrd: [...given.initrd, ...initrd], options },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
