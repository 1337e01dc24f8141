/** Images, the files that a script fetches: `kernel`, `initrd`, `imgargs`, `imgextract`, `imgfree` and their other names. */

import type { IpxeHost } from "../host.ts";
import { lastPart } from "../names.ts";
import { ANY, type Given, type OptionTable } from "../options.ts";
import { type Call, type IpxeCommand, type IpxeRun, NOTHING, type Step, shown } from "../run.ts";
import { changeImage, copyState, imageNamed, type ScriptImage, type ScriptState } from "../state.ts";
import { withForm } from "./params.ts";

/** More files than fit in memory: a script that fetches without end. */
const MAX_IMAGES = 100;

/** Of every command that fetches one file. */
export const FETCH_OPTIONS: OptionTable = { name: "n:", timeout: "t#", quiet: "q", autofree: "a" };

type Hosted = Pick<IpxeRun, "host">;

/** Fetches a file under its last part's name. @returns null where it can't be fetched */
async function fetchImage({ host }: Hosted, state: ScriptState, uri: string): Promise<ScriptImage | null> {
  const { machine } = state;
  if (machine.images.length >= MAX_IMAGES) return null;
  const ref = withForm(machine, uri, host.resolve(uri, state.base));
  if (ref === null || !(await host.exists(ref))) return null;
  const image = { id: ++machine.fetched, name: lastPart(uri.replace(/##params.*$/s, "")), ref, args: "" };
  machine.images = [...machine.images, image];
  return image;
}

/** A command's name and arguments, given to its image. */
function rename(state: ScriptState, image: ScriptImage, given: Given): ScriptImage {
  const [, ...words] = given.args;
  const args = words.length > 0 ? words.join(" ") : image.args;
  const changed = { ...image, name: given.text("name") ?? image.name, args };
  changeImage(state.machine, changed);
  return changed;
}

/** The image that a command's first argument names, else the file that it is a URI of. @returns null where there is none */
export async function acquire(run: Hosted, state: ScriptState, given: Given): Promise<ScriptImage | null> {
  const [target = ""] = given.args;
  const image = imageNamed(state.machine, target) ?? (await fetchImage(run, state, target));
  return image === null ? null : rename(state, image, given);
}

async function download(run: Hosted, state: ScriptState, given: Given): Promise<ScriptImage | null> {
  const image = await fetchImage(run, state, given.args[0]!);
  return image === null ? null : rename(state, image, given);
}

async function select(run: Hosted, state: ScriptState, given: Given): Promise<ScriptImage | null> {
  const image = await acquire(run, state, given);
  if (image !== null) state.machine.selected = image.id;
  return image;
}

/** The archive's name without its ending is that of what is in it; a kernel unpacks a packed initrd itself. */
async function extract(run: Hosted, state: ScriptState, given: Given): Promise<ScriptImage | null> {
  const [target = ""] = given.args;
  const archive = imageNamed(state.machine, target) ?? (await fetchImage(run, state, target));
  if (archive === null) return null;
  const { machine } = state;
  const name = given.text("name") ?? archive.name.replace(/(?<=.)\.[^.]*$/, "");
  const content = { ...archive, id: ++machine.fetched, name, args: "" };
  machine.images = [...machine.images.filter(({ id }) => given.has("keep") || id !== archive.id), content];
  return content;
}

/**
 * A missing file makes its command fail, and the script goes on from there. What that leads to is listed if it boots.
 * Otherwise the entry is listed as if the file were there, so that a person sees which one is missing.
 */
function fetching(get: typeof download): IpxeCommand["run"] {
  return async (run, given, call) => {
    const { state, way, line } = call;
    if ((await get(run, state, given)) !== null) return "next";
    const fails = { fails: `'${shown(call.words)}' fails: there is no such file, or it can't be read here` };
    const site = `${state.script.source}:${line}`;
    // The second time it is the same question: a loop that waits for the file.
    if (way.missed !== undefined) return way.missed === site ? NOTHING : fails;
    const named = copyState(state);
    const anyHost: IpxeHost = { ...run.host, exists: async () => true };
    if ((await get({ host: anyHost }, named, given)) === null) return fails;
    const forget = run.mark();
    Object.assign(state, { ok: false, failure: { line, why: fails.fails } });
    const failed = await run.go(state, { ...way, missed: site });
    if (failed.entries.some(({ reason }) => reason === null)) return failed;
    forget();
    named.ok = true;
    return run.go(named, way);
  };
}

const imgargs: IpxeCommand["run"] = async (run, given, call) => {
  const { state } = call;
  const image = await acquire(run, state, given);
  if (image === null) return { fails: `'${shown(call.words)}' fails: there is no such image` };
  changeImage(state.machine, { ...image, args: given.args.slice(1).join(" ") });
  return "next";
};

function imgfree(_: IpxeRun, { args }: Given, { state: { machine } }: Call): Step {
  if (args.length === 0) machine.images = [];
  for (const name of args) {
    const freed = imageNamed(machine, name);
    if (freed === undefined) return { fails: `imgfree ${name}: there is no such image` };
    machine.images = machine.images.filter((image) => image !== freed);
  }
  if (!machine.images.some(({ id }) => id === machine.selected)) machine.selected = null;
  return "next";
}

const imgstat: IpxeCommand["run"] = (_, { args }, { state: { machine } }) => {
  const missing = args.find((name) => imageNamed(machine, name) === undefined);
  return missing === undefined ? "next" : { fails: `imgstat ${missing}: there is no such image` };
};

/** `imgmem NAME ADDRESS LENGTH`: a piece of memory, which kexec has no use for. */
const imgmem: IpxeCommand["run"] = () => ({ fails: "imgmem takes what lies in memory, which only iPXE can" });

/** What a digest is compared with can't be known before the file is fetched, which listing doesn't do. */
const digest: IpxeCommand["run"] = async (run, given, { state, line, words }) => {
  for (const name of given.args) {
    const one = imageNamed(state.machine, name) ?? (await fetchImage(run, state, name));
    if (one === null) return { fails: `'${shown(words)}' fails: there is no file ${name}, or it can't be read here` };
  }
  if (!given.has("set")) return "next";
  run.say(state, line, `${words[0]} --set counts as failed: Baton doesn't compute digests for a script`);
  state.machine.unchecked = `its script compares a digest (${words[0]} --set), which Baton can't`;
  return { fails: `${words[0]} --set: Baton doesn't compute digests for a script` };
};

/** What needs a certificate's key: it counts as failed (ipxe.org/cmd/imgverify), and the script goes on from there. */
const imgverify: IpxeCommand["run"] = (run, _, { state, line }) => {
  const fails = "imgverify counts as failed: Baton doesn't check iPXE's signatures";
  run.say(state, line, fails);
  state.machine.unchecked = "its script checks a signature (imgverify), which Baton can't";
  return { fails };
};

/** From here on iPXE starts nothing that imgverify hasn't passed; `--allow` takes that back. */
const imgtrust: IpxeCommand["run"] = (_, given, { state }) => {
  const why = "its script starts only what is signed (imgtrust), which Baton can't check";
  // What else is in doubt stays in doubt.
  if (!given.has("allow")) state.machine.unchecked ??= why;
  else if (state.machine.unchecked === why) state.machine.unchecked = null;
  return "next";
};

const imgdecrypt: IpxeCommand["run"] = () => ({ fails: "imgdecrypt needs iPXE's own key, which Baton hasn't" });

const TIMED: OptionTable = { timeout: "t#", quiet: "q" };

export const imageCommands: readonly IpxeCommand[] = [
  { names: ["imgfetch", "module", "initrd"], options: FETCH_OPTIONS, args: [1, ANY], run: fetching(download) },
  { names: ["kernel", "imgselect", "imgload"], options: FETCH_OPTIONS, args: [1, ANY], run: fetching(select) },
  { names: ["imgextract"], options: { name: "n:", keep: "k", ...TIMED }, args: [1, 1], run: fetching(extract) },
  { names: ["imgargs"], options: FETCH_OPTIONS, args: [1, ANY], run: imgargs },
  { names: ["imgfree"], args: [0, ANY], run: imgfree },
  { names: ["imgstat"], args: [0, ANY], run: imgstat },
  { names: ["imgmem"], options: { name: "n:" }, args: [2, 3], run: imgmem },
  {
    names: ["md5sum", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "sha512_224sum", "sha512_256sum"],
    options: { set: "s:" },
    args: [1, ANY],
    run: digest,
  },
  { names: ["imgverify"], options: { signer: "s:", keep: "k", ...TIMED }, args: [2, 2], run: imgverify },
  { names: ["imgtrust"], options: { allow: "a", permanent: "p" }, args: [0, 0], run: imgtrust },
  { names: ["imgdecrypt"], options: { name: "n:", keep: "k", ...TIMED }, args: [2, 2], run: imgdecrypt },
];
