/** What is sent with a request, behind `#` in its URL: `#post=` a form, `#header=` a header line; both percent-encoded. Pure. */

import { decoded } from "./url.ts";

/** What is sent instead of a plain GET. */
interface Form {
  /** As application/x-www-form-urlencoded; null where only headers are added. */
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Headers that say where a request goes, who sends it, and where it ends: those are the client's own. */
const OWN_HEADERS =
  /^(host|connection|content-.*|transfer-encoding|te|trailer|upgrade|expect|range|if-range|authorization|proxy-.*|cookie)$/i;

/** The keys that {@link formOf} reads. */
export const FORM_KEYS: readonly string[] = ["post", "header"];

/** Null where a URL has neither. A header that isn't one line, or is the client's own, is left out. */
export function formOf(url: URL): Form | null {
  const parts = url.hash
    .slice(1)
    .split("&")
    .map((part) => /^([^=]*)=?(.*)$/s.exec(part)!);
  const valuesOf = (key: string): string[] =>
    parts.filter(([, name]) => name!.toLowerCase() === key).map(([, , value]) => decoded(value!));
  const [body = null] = valuesOf("post");
  const headers: Record<string, string> = {};
  for (const line of valuesOf("header")) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+): *([\t\x20-\x7e]*)$/.exec(line) ?? [];
    if (name !== undefined && !OWN_HEADERS.test(name)) headers[name] = value!;
  }
  return body === null && Object.keys(headers).length === 0 ? null : { body, headers };
}
