/**
 * The words by which a live system finds the ISO file that it was started from. Its initramfs looks for a CD with its
 * label and doesn't look into files; each family has a word of its own for that. A loopback.cfg has the words itself;
 * to an ISO's other configurations they are added where the command line shows the family. A new family is one row.
 *
 * | family | shown by | words for a file | words for a URL |
 * | --- | --- | --- | --- |
 * | casper: Ubuntu, Mint, Pop!_OS, elementary | `boot=casper`, or a kernel in `/casper` | `iso-scan/filename=PATH` | `iso-url=URL ip=dhcp` |
 * | live-boot: Debian live, Kali, Tails, grml, Clonezilla, GParted | `boot=live` | `findiso=PATH` | |
 * | archiso: Arch, SystemRescue | `archisobasedir=`, `archisolabel=`, `archisodevice=`, `archisosearchuuid=` | `img_dev=/dev/disk/by-uuid/UUID img_loop=PATH` | |
 * | miso: Manjaro | `misobasedir=`, `misolabel=` | `img_dev=/dev/disk/by-uuid/UUID img_loop=PATH` | |
 * | dracut's live module: Fedora, RHEL and its kin, openSUSE, Void | `root=live:…` | `iso-scan/filename=PATH` | `root=live:URL rd.neednet=1 ip=dhcp` |
 * | Anaconda installers: Fedora, RHEL and its kin | `inst.stage2=hd:…`, `inst.repo=hd:…` | `iso-scan/filename=PATH` | |
 * | genkernel: Gentoo | `cdroot` | `isoboot=PATH` | |
 *
 * PATH is the ISO's path on its filesystem, UUID that filesystem's, URL where the ISO was fetched from.
 */

import type { Diagnostic, FileRef, ParsedEntry } from "../entry.ts";

/** Where an ISO lies. */
export interface IsoPlace {
  /** The device that its files have in entries: `vda1+debian.iso`. */
  readonly device: string;
  /** The file: `vda1:/iso/debian.iso`. */
  readonly file: string;
  /** Its path on its filesystem. */
  readonly path: string;
  /** Of that filesystem, null where it has none. */
  readonly uuid: string | null;
}

interface Family {
  readonly name: string;
  readonly shows: RegExp;
  /** For a file on a filesystem; PATH and UUID are filled in. */
  readonly words: string;
  /** The command line for an image on a server. Absent where the family's initramfs fetches none. */
  withUrl?(options: string, url: string): string;
}

/** Each is matched against the command line, which has a space before and after it and ends in `kernel:PATH`. */
const FAMILIES: readonly Family[] = [
  {
    name: "archiso",
    shows: / (archisobasedir|archisolabel|archisodevice|archisosearchuuid|misobasedir|misolabel)=/,
    words: "img_dev=/dev/disk/by-uuid/UUID img_loop=PATH",
  },
  {
    name: "casper",
    shows: / (boot=casper |kernel:\/casper\/)/,
    words: "iso-scan/filename=PATH",
    withUrl: (options, url) => addWords(options, `iso-url=${url} ip=dhcp`),
  },
  { name: "live-boot", shows: / boot=live /, words: "findiso=PATH" },
  {
    name: "dracut",
    shows: / root=live:/,
    words: "iso-scan/filename=PATH",
    withUrl: (options, url) => {
      const named = options.replace(/(?<!\S)root=live:\S+/, () => `root=live:${url}`);
      return addWords(named, "rd.neednet=1 ip=dhcp");
    },
  },
  { name: "Anaconda", shows: / inst\.(stage2|repo)=hd:/, words: "iso-scan/filename=PATH" },
  { name: "genkernel", shows: / cdroot[ =]/, words: "isoboot=PATH" },
];

/** Words that say already where the medium is. */
const SAID =
  / (iso-scan\/filename|findiso|fromiso|img_loop|isoboot|isoloop|isofrom|isofrom_system|bootfrom|from|live-media|fetch|netboot)=/;

/** Programs in the form of a kernel, which need no medium. */
const NEEDS_NONE = /memtest|\/(?:mt86|ipxe)/i;

/** Adds the words to the entries of an ISO file, with a warning that names those for which none are known. */
export function withIsoWords(
  entries: readonly ParsedEntry[],
  iso: IsoPlace,
  source: string,
): { entries: readonly ParsedEntry[]; diagnostics: readonly Diagnostic[] } {
  const lost: string[] = [];
  const problems = new Set<string>();
  const changed = entries.map((entry) => {
    const kernel = kernelOf(entry, iso.device);
    if (kernel === null || SAID.test(kernel.text)) return entry;
    const family = FAMILIES.find(({ shows }) => shows.test(kernel.text));
    if (family === undefined) {
      lost.push(entry.title);
      return entry;
    }
    const problem = obstacle(family, iso);
    if (problem !== null) {
      problems.add(problem);
      return entry;
    }
    // A function, since $ means something in a replacement.
    const words = family.words.replace("PATH", () => iso.path).replace("UUID", () => iso.uuid ?? "");
    return kernel.with(addWords(kernel.options, words));
  });
  const warn = (message: string): Diagnostic => ({ severity: "warning", source, line: null, column: null, message });
  const diagnostics = [...problems].map(warn);
  if (lost.length > 0) {
    const others = lost.length > 1 ? ` and ${lost.length - 1} more` : "";
    diagnostics.push(
      warn(
        `'${lost[0]}'${others}: nothing on the command line shows how this system could be told that its medium is the file ${iso.file}; it may start and not find it`,
      ),
    );
  }
  return { entries: changed, diagnostics };
}

/**
 * The same for an image on a server, whose system has to fetch it.
 * @param device of the image's files in the entries.
 */
export function withIsoUrl(
  entries: readonly ParsedEntry[],
  device: string,
  url: string,
): { entries: readonly ParsedEntry[]; diagnostics: readonly Diagnostic[] } {
  let isLost = false;
  const changed = entries.map((entry) => {
    const kernel = kernelOf(entry, device);
    if (kernel === null) return entry;
    const family = FAMILIES.find(({ shows, withUrl }) => withUrl !== undefined && shows.test(kernel.text));
    if (family?.withUrl !== undefined) return kernel.with(family.withUrl(kernel.options, url));
    isLost = true;
    return entry;
  });
  const message = "the system in this ISO image may not find its medium, since Baton knows no word for it to fetch one";
  const warning: Diagnostic = { severity: "warning", source: url, line: null, column: null, message };
  return { entries: changed, diagnostics: isLost ? [warning] : [] };
}

/** A Linux that gets a command line, and the entry with another one. */
interface Kernel {
  readonly options: string;
  /** What FAMILIES are matched against. */
  readonly text: string;
  with(options: string): ParsedEntry;
}

/** The entry's Linux, where it lies in the image and needs its medium. */
function kernelOf(entry: ParsedEntry, device: string): Kernel | null {
  const kernel = linuxOf(entry);
  if (kernel === null || !("device" in kernel.file) || kernel.file.device !== device) return null;
  const { file, options } = kernel;
  if (NEEDS_NONE.test(file.path)) return null;
  return { ...kernel, text: ` ${options.replace(/\s+/g, " ")} kernel:${file.path} ` };
}

/** The entry's Linux: for Xen, the first of the modules after the hypervisor. */
function linuxOf(entry: ParsedEntry): (Omit<Kernel, "text"> & { readonly file: FileRef }) | null {
  const { kind, linux, modules } = entry;
  if (kind === "linux" && linux !== null) {
    return { file: linux, options: entry.options, with: (options) => ({ ...entry, options }) };
  }
  const [xen, dom0] = modules;
  if (xen === undefined || dom0 === undefined || !("path" in xen.file) || !/xen[^/]*$/i.test(xen.file.path))
    return null;
  return {
    file: dom0.file,
    options: dom0.args,
    with: (args) => ({ ...entry, modules: [xen, { ...dom0, args }, ...modules.slice(2)] }),
  };
}

/** Why the words can't be written, else null. */
function obstacle({ name, words }: Family, { path, file, uuid }: IsoPlace): string | null {
  if (/[\s"'\\]/.test(path)) {
    return `${file}: a name with spaces or quotes can't stand on a command line, so the system would not find its medium; rename the file`;
  }
  if (words.includes("UUID") && uuid === null) {
    return `${file}: ${name} finds its medium by the UUID of the filesystem that the file lies on, which has none or none that is known`;
  }
  return null;
}

/** Before `--` or `---`: what follows is for the system that is being installed, or for init. */
function addWords(options: string, words: string): string {
  const separator = /(?:^|\s)---?(?=\s|$)/.exec(options);
  if (separator === null) return options === "" ? words : `${options} ${words}`;
  const before = options.slice(0, separator.index);
  return `${before}${before === "" ? "" : " "}${words} ${options.slice(separator.index).trimStart()}`;
}
