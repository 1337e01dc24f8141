import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { hasChecksum } from "../../src/images/bzimagecheck.ts";
import { readBzImageSetup } from "../../src/loader/bzimage.ts";
import { openPath } from "../../src/loader/openfiles.ts";
import { makeBzImage } from "../images/kernels.ts";

const folder = mkdtempSync(join(tmpdir(), "baton-bzimage-"));
after(() => rmSync(folder, { recursive: true }));

/** Debian's kernels have their version far behind the header, as these. */
const LAYOUTS = [
  { setupSectors: 39, versionAt: 0x4500 },
  { setupSectors: 64, versionAt: 0x8000 },
];

test("a kernel's version is read wherever in its setup part it stands, so that its checksum is expected or not", async () => {
  for (const layout of LAYOUTS) {
    for (const [version, expected] of [
      ["6.1.0-57-amd64", true],
      ["6.12.117+deb13-amd64", true],
      ["7.3.4+deb13-amd64", false],
    ] as const) {
      const path = join(folder, "vmlinuz");
      // Of a unified kernel image it is a part.
      for (const offset of [0, 4096]) {
        writeFileSync(path, Buffer.concat([Buffer.alloc(offset), makeBzImage({ version, ...layout })]));
        const file = await openPath(path, "vda1:/vmlinuz");
        try {
          const kernel = { fd: file.handle.fd, size: file.size - offset, offset, name: file.name };
          const request = { kernel, initrds: [], devicetree: null, cmdline: "quiet" };
          const { header } = await readBzImageSetup(request, { onRead: () => {}, timeoutMs: 60_000 });
          assert.equal(header.versionText, `${version} (build@host) #1 SMP`);
          assert.equal(hasChecksum(header), expected, version);
        } finally {
          await file.handle.close();
        }
      }
    }
  }
});
