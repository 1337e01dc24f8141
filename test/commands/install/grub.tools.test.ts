/** What `baton install` writes into custom.cfg, run by GRUB itself (grub-emu). */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { customPart } from "../../../src/commands/install/grub.ts";
import { emulate, hasTool } from "../../formats/grub/tools.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-grub-emu-"));
after(() => rmSync(folder, { recursive: true }));
const skip = hasTool("grub-emu") ? false : "grub-emu is not installed (npm run setup -- test)";

/** What is the default, and where Baton's files are looked for, after these words and Baton's part. */
function outcome(words: string, isDefault = true): string {
  return emulate(folder, `${words}\n${customPart("quiet it's", isDefault)}\necho "<$default> <$baton_boot>"`).trim();
}

test("GRUB finds Baton's files beside its own folder, and takes Baton for the default", { skip }, () => {
  for (const [prefix, boot] of [
    ["(hd0,msdos1)/boot/grub", "(hd0,msdos1)/boot"],
    ["(hd0,gpt2)/grub2", "(hd0,gpt2)"],
    ["(lvm/vg-root)/@/boot/grub", "(lvm/vg-root)/@/boot"],
  ] as const) {
    assert.equal(outcome(`set prefix='${prefix}'`), `<baton> <${boot}>`);
  }
});

test("what grub-reboot asked for once comes first, and with --once nothing is made the default", { skip }, () => {
  const debian = "set prefix='(hd0)/boot/grub'\nset default=debian";
  assert.equal(outcome(`${debian}\nset boot_once=true`), "<debian> <(hd0)/boot>");
  assert.equal(outcome(debian, false), "<debian> <(hd0)/boot>");
});
