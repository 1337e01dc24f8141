/** Asks a controller what this machine boots: one GET, a deadline, and the machine's own default where nothing comes of it. */

import { describeError } from "../errors.ts";
import { Deeds, type DeedsContext } from "./deeds.ts";

interface Question extends DeedsContext {
  readonly url: string;
  /** The controller's time. */
  readonly seconds: number;
  /** The machine's identity: `mac`, `uuid`, `ip`, `hostname`, `arch`. */
  readonly facts: Readonly<Record<string, string | null>>;
  fetchText(url: string): Promise<string>;
}

/** What a controller says: an entry of the list, or what stands at a URL; neither leaves the machine its own default. */
type Answer =
  | { readonly id: string; readonly options?: string }
  | { readonly url: string; readonly sha256: string }
  | null;

const MAX_ANSWER = 16 * 1024;
const MAX_TEXT = 4096;

/**
 * Boots what the controller says, through the menu's own guards. A key on a console, or a word over the API, comes before it.
 * @returns why its word does not count, else null
 */
export async function askController(question: Question): Promise<string | null> {
  const { url, seconds, facts, store } = question;
  const who = `the controller at ${new URL(url).host}`;
  const address = new URL(url);
  for (const [name, value] of Object.entries(facts)) if (value !== null) address.searchParams.set(name, value);
  let answer: Answer;
  try {
    const text = await within(question.fetchText(address.href), seconds);
    if (text === null) return `${who} has not answered within ${seconds} s`;
    answer = readAnswer(text);
  } catch (error) {
    return `${who} gave no answer that counts: ${describeError(error)}`;
  }
  if (answer === null) return `${who} leaves it to this machine`;
  // Over http anybody on the way may have said it.
  const isMore = "url" in answer || answer.options !== undefined;
  if (isMore && new URL(url).protocol !== "https:") {
    return `${who} said more than an entry's id, which counts over https only`;
  }
  if (store.state.countdown === null)
    return `${who} came too late: somebody is at the menu, or something boots already`;
  const deeds = new Deeds(question);
  const known = new Set(store.state.entries.map(({ id }) => id));
  if ("id" in answer) {
    const { message } = await deeds.boot(answer.id, answer.options, {}, who);
    return message === "" ? null : `${who} said ${answer.id}: ${message}`;
  }
  const opened = await deeds.openUrl(`${answer.url}#sha256=${answer.sha256}`, who);
  if (opened.message !== "") return `${who} said ${answer.url}: ${opened.message}`;
  const found = store.state.entries.find(({ id, bootable }) => bootable && !known.has(id));
  if (found === undefined)
    return `${who} said ${answer.url}: ${store.state.message ?? "nothing new that boots is there"}`;
  const { message } = await deeds.boot(found.id, undefined, {}, who);
  return message === "" ? null : `${who} said ${answer.url}: ${message}`;
}

/** @throws where it is none */
export function readAnswer(text: string): Answer {
  if (text.length > MAX_ANSWER) throw new Error(`it is longer than ${MAX_ANSWER} bytes`);
  if (text.trim() === "") return null;
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("it is no JSON object");
  const said = value as Record<string, unknown>;
  const isText = (one: unknown): one is string =>
    typeof one === "string" && one !== "" && one.length <= MAX_TEXT && !/\p{Cc}/u.test(one);
  const { id, options, url, sha256 } = said;
  if (id !== undefined && url !== undefined) throw new Error("it has both an id and a url");
  if (id !== undefined) {
    if (!isText(id) || (options !== undefined && !isText(options))) throw new Error("id and options must be texts");
    return options === undefined ? { id } : { id, options };
  }
  if (url === undefined) return null;
  if (!isText(url) || !/^https?:\/\/[^\s#]+$/i.test(url) || !URL.canParse(url))
    throw new Error("its url is no http or https URL");
  // What a stranger on the way has put there must not boot.
  if (!isText(sha256) || !/^[0-9a-f]{64}$/.test(sha256)) throw new Error("a url needs its sha256, 64 digits");
  return { url, sha256 };
}

/** @returns null where it has not come within that time */
async function within(work: Promise<string>, seconds: number): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000, null);
  });
  // A failure after the deadline is nobody's.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
