/**
 * Unified kernel images: kernel, initrd, command line and names of the system as sections of one EFI program
 * (https://uapi-group.org/specifications/specs/unified_kernel_image/), in profiles, and read as systemd-stub reads them.
 */

import { type Pe, type PeSection, readSection } from "./pe.ts";
import type { ReadAt } from "./readat.ts";

/** systemd-boot looks no further either. */
const MAX_PROFILES = 256;
/** .cmdline, .osrel, .uname and .profile are texts of a few hundred bytes. */
const MAX_TEXT_SIZE = 64 * 1024;

/**
 * The sections of each profile, 0 the first; one list where there are no profiles. Each `.profile` section begins another;
 * its own sections stand before those of the base, which precede the first one: of a name, the first counts.
 */
export function profileSections(pe: Pe): readonly Pick<Pe, "sections">[] {
  const base: PeSection[] = [];
  const profiles: PeSection[][] = [];
  for (const section of pe.sections) {
    if (section.name === ".profile") {
      if (profiles.length === MAX_PROFILES) break;
      profiles.push([]);
    }
    (profiles.at(-1) ?? base).push(section);
  }
  return profiles.length === 0 ? [{ sections: base }] : profiles.map((own) => ({ sections: [...own, ...base] }));
}

/**
 * A section's text, without the NULs at its end.
 * @returns null for no section
 * @throws BatonError `too-large` for more than 64 KiB, `bad-format`; what `readAt` rejects with
 */
export async function sectionText(readAt: ReadAt, section: PeSection | null): Promise<string | null> {
  if (section === null) return null;
  return Buffer.from(await readSection(readAt, section, MAX_TEXT_SIZE))
    .toString("utf8")
    .replace(/\0+$/, "");
}

/**
 * The command line in a `.cmdline` section, as systemd-stub passes it on (mangle_stub_cmdline in its util.c): up to the
 * first NUL, control characters become blanks, and blanks at either end fall away; those within stay as many as they are.
 */
export function stubCmdline(text: string): string {
  return text
    .replace(/\0.*$/s, "")
    .replace(/[\u0001-\u0020\u007f]/g, " ")
    .replace(/^ +| +$/g, "");
}
