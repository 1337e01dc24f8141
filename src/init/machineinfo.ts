/** The machine in a few lines. */

import { readFileSync } from "node:fs";
import { release, totalmem } from "node:os";
import { formatSize } from "../text.ts";
import { VERSION } from "../version.ts";

/** What the `i` screen says of the machine itself. */
export function machineFacts(): string[] {
  const dmi = (name: string): string => {
    try {
      return readFileSync(`/sys/class/dmi/id/${name}`, "utf8").trim();
    } catch {
      return "";
    }
  };
  const model = [dmi("sys_vendor"), dmi("product_name")].filter((text) => text !== "").join(" ");
  return [
    `Baton ${VERSION}, Node ${process.versions.node}, Linux ${release()}`,
    ...(model === "" ? [] : [model]),
    `${formatSize(totalmem())} of memory`,
  ];
}

/** {@link machineFacts}, and what is known to fail after kexec, by the drivers that have their devices now. */
export async function allMachineFacts(): Promise<string[]> {
  const { affectedDevices, describeQuirk } = await import("../kexec/quirks.ts");
  return [...machineFacts(), ...affectedDevices().map(describeQuirk)];
}
