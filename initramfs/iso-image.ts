/** baton.iso: for a disc, a virtual machine's drive, and (it is hybrid) a stick. It starts by UEFI and, on PCs, by BIOS. */

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Bootable,
  biosFiles,
  ENVIRONMENT,
  fatImage,
  grubCore,
  hasBios,
  identity,
  imageTools,
  TIME,
  uefiFiles,
  writeFiles,
} from "./bootable.ts";

/** The EFI system partition, as a file. */
const ESP = "baton/efi.img";

/** ISO 9660 with El Torito's entries for both kinds of firmware. */
export async function isoImage(bootable: Bootable): Promise<Uint8Array> {
  const box = await imageTools(bootable);
  const work = await mkdtemp(join(tmpdir(), "baton-iso-"));
  try {
    const id = identity(bootable);
    const tree = join(work, "tree");
    await mkdir(join(tree, "baton"), { recursive: true });
    const serial = id.slice(0, 8);
    await fatImage(box, join(tree, ESP), uefiFiles(bootable), { serial, hiddenSectors: 0, work });
    const date = volumeDate(id);
    const bios: string[] = [];
    let files = biosFiles(bootable);
    if (hasBios(bootable)) {
      const at = { kind: "i386-pc-eltorito", filesystem: "iso9660", uuid: grubDate(date), work } as const;
      const { bootSector, core } = await grubCore(bootable, box, at);
      files = new Map([...files, ["baton/eltorito.img", await readFile(core)]]);
      const boot = ["-b", "baton/eltorito.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"];
      bios.push(...boot, "--grub2-boot-info", "--grub2-mbr", bootSector);
    }
    await writeFiles(tree, files);
    const iso = join(work, "baton.iso");
    await box.run(
      "xorriso",
      [
        ...["-as", "mkisofs", "-quiet", "-r", "-V", "BATON", `--modification-date=${date}`, ...bios],
        ...["--set_all_file_dates", date],
        // A size of 0 or 1 stands for all that follows (UEFI 2.10, 13.3.2.1): the field ends at 32 MiB.
        ...["-eltorito-alt-boot", "-e", ESP, "-no-emul-boot", "-boot-load-size", "1"],
        // A stick's firmware finds the same bytes as a partition.
        ...["-efi-boot-part", "--efi-boot-image", "--protective-msdos-label", "-o", iso, tree],
      ],
      { env: ENVIRONMENT },
    );
    return await readFile(iso);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A date that stands for the content, since an ISO file's date is its UUID: `YYYYMMDDhhmmsscc`. */
function volumeDate(id: string): string {
  const time = new Date((TIME + (Number.parseInt(id.slice(0, 8), 16) % 630_000_000)) * 1000);
  return `${time.toISOString().replace(/\D/g, "").slice(0, 14)}00`;
}

/** As GRUB writes it: `YYYY-MM-DD-hh-mm-ss-cc`. */
function grubDate(date: string): string {
  return [date.slice(0, 4), ...date.slice(4).match(/../g)!].join("-");
}
