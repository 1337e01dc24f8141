/** `boot`, `chain` and `imgexec`: an image that is there, or a file, is started. */

import { formatFileRef, shownAddress } from "../../../entry.ts";
import type { ScriptFile } from "../host.ts";
import { kindByName, LOADER, lastPart, looksLikeKernel, reasonAgainst, SCRIPT_NAME } from "../names.ts";
import { ANY, type Given } from "../options.ts";
import { type Call, type IpxeCommand, type IpxeListing, type IpxeRun, type Step, shown, submenuOf } from "../run.ts";
import { isScript } from "../script.ts";
import { imageNamed, type ScriptImage, selectedImage, startState } from "../state.ts";
import { acquire, FETCH_OPTIONS } from "./image.ts";

/** A URI that sends a form. */
const FORM = /##params(=|$)/;

async function boot(run: IpxeRun, given: Given, call: Call): Promise<Step> {
  const { state, words, way } = call;
  const [target] = given.args;
  let image: ScriptImage | null;
  if (target === undefined) {
    image = selectedImage(state.machine);
    if (image === null) return { fails: "no image is selected, so there is nothing to boot" };
  } else {
    const isThere = imageNamed(state.machine, target) !== undefined;
    if (!isThere && isPutOff(run, target, call)) return run.door(call);
    const why = isThere ? null : postRefusal(run, target, call);
    if (why !== null) return run.unbootable(state, way, why, "other");
    image = await acquire(run, state, given);
    const fails = `'${shown(words)}' fails: there is no such file, or it can't be read here`;
    if (image === null) return { fails, isLost: true };
  }
  return start(run, image, call, given.has("replace"));
}

/**
 * True for a file that is fetched only when a person chooses its item: a menu may lead to hundreds of scripts, and a form
 * that is sent may do something. What boots without a person is never put off.
 */
function isPutOff(run: IpxeRun, uri: string, { state, way }: Call): boolean {
  if (!run.host.defers || way.isChosen || way.item === null) return false;
  if (FORM.test(uri)) return true;
  const name = lastPart(uri);
  if (looksLikeKernel(name) || (name.includes(".") && !SCRIPT_NAME.test(name) && !LOADER.test(name))) return false;
  const ref = run.host.resolve(uri, state.base);
  return ref !== null && !run.isRead(ref);
}

/** A form is sent only on the way that boots by itself: who lists a menu doesn't choose all that is in it. */
function postRefusal({ host }: IpxeRun, uri: string, { way }: Call): string | null {
  if (host.defers || way.isChosen || !FORM.test(uri)) return null;
  return `it sends a form to ${shownAddress(uri).replace(/##params.*$/s, "")}, which is done only when it is chosen in Baton's menu`;
}

async function start(run: IpxeRun, image: ScriptImage, call: Call, replace: boolean): Promise<Step> {
  const { state, way } = call;
  const tree = LOADER.test(image.name) ? await readTree(run, image, call) : null;
  if (tree !== null) return tree;
  const file = looksLikeKernel(image.name) ? null : await run.host.read(image.ref);
  if (file !== null && isScript(file.text)) return enterScript(run, call, image, file, replace);
  // Over a network a server that doesn't answer is a file that isn't there: `||` goes on.
  if (file === null && run.host.tree !== undefined && SCRIPT_NAME.test(image.name)) {
    return { fails: `'${shown(call.words)}' fails: it can't be read here`, isLost: true };
  }
  const reason = reasonAgainst(image, file === null);
  if (reason !== null) return run.unbootable(state, way, reason, kindByName(image.name));
  return run.boots(state, way, image);
}

/** Another network loader is not started: what it would read is. */
async function readTree(run: IpxeRun, { ref }: ScriptImage, { state, way }: Call): Promise<IpxeListing | null> {
  const setting = (name: string): string | null => state.machine.settings.get(name, () => null);
  const tree = await run.host.tree?.(ref, { conf: setting("209:string"), prefix: setting("210:string") });
  if (!tree || tree.entries.length === 0) return null;
  const outer = submenuOf(way);
  const entries = run.admit(tree.entries).map((entry) => ({ ...entry, submenu: [...outer, ...entry.submenu] }));
  return { entries, defaultIndex: tree.defaultIndex, defaultIsExplicit: true, timeout: tree.timeout };
}

/** Another script goes on; afterwards this one, unless it is replaced. */
async function enterScript(
  run: IpxeRun,
  call: Call,
  image: ScriptImage,
  file: ScriptFile,
  replace: boolean,
): Promise<Step> {
  const { state, way } = call;
  const { machine } = state;
  if (!run.mayChain(state, way)) return { fails: `'${shown(call.words)}' fails: scripts call one another without end` };
  // The script itself is no initrd of what it boots.
  machine.images = machine.images.filter(({ id }) => id !== image.id);
  if (machine.selected === image.id) machine.selected = null;
  const script = await run.script(file.text, formatFileRef(file.base));
  return { jumpTo: startState(script, file.base, state, replace ? state.caller : state) };
}

export const bootCommands: readonly IpxeCommand[] = [
  { names: ["boot", "imgexec", "chain"], options: { ...FETCH_OPTIONS, replace: "r" }, args: [0, ANY], run: boot },
];
