/** `boot`, `chain` and `imgexec`: an image that is there, or a file, is started. */

import { formatFileRef } from "../../../entry.ts";
import { kindByName, LOADER, lastPart, looksLikeKernel, reasonAgainst, SCRIPT_NAME } from "../names.ts";
import {
  type Call,
  type CommandRow,
  type IpxeCommand,
  type IpxeListing,
  type IpxeRun,
  type Step,
  submenuOf,
} from "../run.ts";
import { isScript, parseOptions, parseScript } from "../script.ts";
import { bootImage, type ScriptImage, type ScriptState, startState } from "../state.ts";
import { fetchImage } from "./image.ts";

const boot: IpxeCommand = async (run, args, call) => {
  const { state, words, line } = call;
  const options = parseOptions(args, { name: true, timeout: true, autofree: false, replace: false });
  if (typeof options === "string") return "failed";
  const [target, ...bootArgs] = options.args;
  const there = bootImage(state, target);
  if (there === null && target === undefined) return "failed";
  if (there === null && isPutOff(run, target!, call)) return run.door(call);
  const fetchArgs = args.filter((word) => !/^(--replace|-r)$/.test(word));
  const image = there ?? (await fetchImage(state, fetchArgs, run.host, true));
  if (image === null) {
    // The script mostly goes on and ends somewhere else; this says why it ended there.
    const shown = words.join(" ").slice(0, 200);
    run.say(state, line, `'${shown}' fails: there is no such file, or it can't be read here`);
    return "failed";
  }
  return start(
    run,
    there !== null && bootArgs.length > 0 ? { ...image, args: bootArgs.join(" ") } : image,
    call,
    options.given.has("replace"),
  );
};

/**
 * True for a file that is fetched only when a person chooses its item: a menu may lead to hundreds of scripts. What boots
 * without a person is never put off.
 */
function isPutOff(run: IpxeRun, uri: string, { state, way }: Call): boolean {
  if (!run.host.defers || way.isChosen || way.item === null) return false;
  const name = lastPart(uri);
  if (looksLikeKernel(name) || (name.includes(".") && !SCRIPT_NAME.test(name) && !LOADER.test(name))) return false;
  const ref = run.host.resolve(uri, state.base);
  return ref !== null && !run.isRead(ref);
}

async function start(run: IpxeRun, image: ScriptImage, call: Call, replace: boolean): Promise<Step> {
  const { state, way } = call;
  const tree = LOADER.test(image.name) ? await readTree(run, image, call) : null;
  if (tree !== null) return tree;
  const text = looksLikeKernel(image.name) ? null : await run.host.read(image.ref);
  if (text !== null && isScript(text)) return enterScript(run, state, image, text, replace);
  const reason = reasonAgainst(image, text === null);
  if (reason !== null) return run.unbootable(state, way, reason, kindByName(image.name));
  const initrd = state.images.filter((other) => other.name !== image.name).map((other) => other.ref);
  return run.entry(state, way, { linux: image.ref, initrd, options: image.args });
}

/** Another network loader is not started: what it would read is. */
async function readTree(run: IpxeRun, { ref }: ScriptImage, { state, way }: Call): Promise<IpxeListing | null> {
  const setting = (name: string): string | null => state.settings.get(name) || null;
  const tree = await run.host.tree?.(ref, { conf: setting("209"), prefix: setting("210") });
  if (!tree || tree.entries.length === 0) return null;
  const outer = submenuOf(way);
  const entries = run.admit(tree.entries).map((entry) => ({ ...entry, submenu: [...outer, ...entry.submenu] }));
  return { entries, defaultIndex: tree.defaultIndex, defaultIsExplicit: true, timeout: tree.timeout };
}

/** Another script goes on; afterwards this one, unless it is replaced. */
function enterScript(run: IpxeRun, state: ScriptState, image: ScriptImage, text: string, replace: boolean): Step {
  // The script itself is no initrd of what it boots.
  const images = state.images.filter((other) => other !== image);
  const selected = state.selected === image.name ? null : state.selected;
  if (!run.mayChain(state)) return "failed";
  Object.assign(state, { images, selected });
  run.noteRead(image.ref);
  const script = parseScript(text, formatFileRef(image.ref));
  return { jumpTo: startState(script, image.ref, state, replace ? state.caller : state) };
}

export const bootCommands: readonly CommandRow[] = ["boot", "imgexec", "chain"].map((name) => [name, boot]);
