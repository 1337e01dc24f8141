/** What tests of the network make for their servers. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { debianPackages } from "../../initramfs/debian.ts";
import { imageSuite } from "./payload.ts";

/** For the time of one test. */
export function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "baton-net-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** UEFI stubs and loaders of Debian's package. */
export async function stubFolder(): Promise<string> {
  return join((await debianPackages(["systemd-boot-efi"], { suite: imageSuite() })).root, "usr/lib/systemd/boot/efi");
}
