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

/** ISO 9660 with El Torito's entries for both kinds of firmware, and the EFI system partition behind it. */
export async function isoImage(bootable: Bootable): Promise<Uint8Array> {
  const box = await imageTools(bootable);
  const work = await mkdtemp(join(tmpdir(), "baton-iso-"));
  try {
    const id = identity(bootable);
    const esp = join(work, "esp");
    await fatImage(box, esp, uefiFiles(bootable), { serial: id.slice(0, 8), hiddenSectors: 0, work });
    const tree = join(work, "tree");
    await mkdir(tree);
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
        ...["-append_partition", "2", "0xef", esp, "-appended_part_as_gpt", "-eltorito-alt-boot"],
        ...["-e", "--interval:appended_partition_2:all::", "-no-emul-boot", "-o", iso, tree],
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
