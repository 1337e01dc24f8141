/** The comparison with bootctl where the host has none: with Debian's, fetched. */

import { join } from "node:path";
import { debianPackages } from "../../../initramfs/debian.ts";

const { root } = await debianPackages(["systemd-boot"]);
process.env.BATON_BOOTCTL = join(root, "usr", "bin", "bootctl");
await import("./bls-bootctl.tools.test.ts");
