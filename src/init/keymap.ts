/** The keyboard's layout, from a keymap that the image carries. */

import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { describeError } from "../errors.ts";
import { log } from "../log.ts";

const FOLDER = "/usr/share/keymaps";

/** @param name of a keymap, letters and digits and `._-` alone (settingkinds.ts). Never rejects. */
export async function loadKeymap(name: string): Promise<void> {
  let fd: number;
  try {
    fd = openSync(`${FOLDER}/${name}.bmap`, "r");
  } catch {
    log.warn(`keymap: ${name} is not in this image; its profile's keymaps names those that are`);
    return;
  }
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      // It sets the layout of all virtual terminals through the one in the foreground.
      const child = spawn("/bin/busybox", ["loadkmap"], { stdio: [fd, "ignore", "ignore"] });
      child.on("error", reject);
      child.on("exit", resolve);
    });
    if (code === 0) log.info(`the keyboard's layout is ${name}`);
    else log.warn(`keymap: loadkmap refused ${name}`);
  } catch (error) {
    log.warn(`keymap: ${describeError(error)}`);
  } finally {
    closeSync(fd);
  }
}
