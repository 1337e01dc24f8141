/** Images, the files that a script fetches: `kernel`, `initrd`, `imgfetch`, `imgargs`, `imgfree` and their other names. */

import type { IpxeHost } from "../host.ts";
import { lastPart } from "../names.ts";
import type { CommandRow, IpxeCommand } from "../run.ts";
import { parseOptions } from "../script.ts";
import { copyState, type ScriptImage, type ScriptState } from "../state.ts";

/** More files than fit in memory: a script that fetches without end. */
const MAX_IMAGES = 100;

/** A file under a name, and its arguments. @returns null where it can't be read */
export async function fetchImage(
  state: ScriptState,
  words: readonly string[],
  host: IpxeHost,
  select: boolean,
): Promise<ScriptImage | null> {
  const options = parseOptions(words, { name: true, timeout: true, autofree: false });
  if (typeof options === "string") return null;
  const [uri, ...args] = options.args;
  if (uri === undefined) return null;
  // `imgselect NAME` may mean an image that is there already.
  const there = select ? state.images.findLast((image) => image.name === uri) : undefined;
  if (there !== undefined) {
    const image = args.length > 0 ? { ...there, args: args.join(" ") } : there;
    state.images = state.images.map((other) => (other === there ? image : other));
    state.selected = image.name;
    return image;
  }
  if (state.images.length >= MAX_IMAGES) return null;
  const ref = host.resolve(uri, state.base);
  if (ref === null || !(await host.exists(ref))) return null;
  const name = options.given.get("name");
  const image = { name: typeof name === "string" ? name : lastPart(uri), ref, args: args.join(" ") };
  state.images = [...state.images, image];
  if (select) state.selected = image.name;
  return image;
}

/**
 * A missing file makes its command fail, and the script goes on from there. What that leads to is listed if it boots.
 * Otherwise the entry is listed as if the file were there, so that a person sees which one is missing.
 */
function fetch(select: boolean): IpxeCommand {
  return async (run, args, { state, way }) => {
    const { host } = run;
    if ((await fetchImage(state, args, host, select)) !== null) return "next";
    if (way.strict) return "failed";
    const named = copyState(state);
    if ((await fetchImage(named, args, { ...host, exists: async () => true }, select)) === null) return "failed";
    const forget = run.mark();
    state.ok = false;
    const failed = await run.go(state, { ...way, strict: true });
    if (failed.entries.some(({ reason }) => reason === null)) return failed;
    forget();
    named.ok = true;
    return run.go(named, way);
  };
}

const imgargs: IpxeCommand = (_, [name, ...args], { state }) => {
  const image = state.images.findLast((candidate) => candidate.name === name);
  if (image === undefined) return "failed";
  const changed = { ...image, args: args.join(" ") };
  state.images = state.images.map((other) => (other === image ? changed : other));
  return "next";
};

const imgfree: IpxeCommand = (_, [name], { state }) => {
  state.images = name === undefined ? [] : state.images.filter((image) => image.name !== name);
  if (name === undefined || state.selected === name) state.selected = null;
  return "next";
};

/** What needs a certificate's key: it counts as failed (ipxe.org/cmd/imgverify), and the script goes on from there. */
const imgverify: IpxeCommand = (run, _, { state, line }) => {
  run.say(state, line, "imgverify counts as failed: Baton doesn't check iPXE's signatures");
  state.unchecked = "its script checks a signature (imgverify), which Baton can't";
  return "failed";
};

/** From here on iPXE starts nothing that imgverify hasn't passed; `--allow` takes that back. */
const imgtrust: IpxeCommand = (_, args, { state }) => {
  const allows = args.some((word) => /^(-a|--allow)$/.test(word));
  state.unchecked = allows ? null : "its script starts only what is signed (imgtrust), which Baton can't check";
  return "next";
};

export const imageCommands: readonly CommandRow[] = [
  ...["imgfetch", "module", "initrd"].map((name): CommandRow => [name, fetch(false)]),
  ...["kernel", "imgselect", "imgload"].map((name): CommandRow => [name, fetch(true)]),
  ["imgargs", imgargs],
  ["imgfree", imgfree],
  ["imgverify", imgverify],
  ["imgtrust", imgtrust],
];
