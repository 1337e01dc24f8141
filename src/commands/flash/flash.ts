/** `baton flash`: writes Baton's image to a stick, after a person has seen what is on it and has typed its name. */

import { realpathSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import type { BlockDevice } from "../../devices/device.ts";
import { probeDevice } from "../../devices/probe.ts";
import { BatonError, describeError } from "../../errors.ts";
import { rereadPartitions } from "../../linux/blkdev.ts";
import { deviceNumber, type OnWritten, writeImage } from "../../state/writeimage.ts";
import { formatSize, printable } from "../../text.ts";
import { madeFile } from "../shared/madefile.ts";
import { FLASH_OPTIONS } from "../shared/manual.ts";
import { readArgs } from "../shared/options.ts";
import { readTarget, refusal, type Target } from "./target.ts";

const say = (line: string): void => {
  process.stdout.write(`${printable(line)}\n`);
};

/** @returns the exit code */
export async function flash(args: string[]): Promise<number> {
  const { values, positionals } = readArgs({ args, allowPositionals: true, options: FLASH_OPTIONS });
  const [named] = positionals;
  if (named === undefined || positionals.length > 1) throw new BatonError("usage", "name the one DEVICE to write to");
  const target = await readTarget(kernelName(named));
  const { device } = target;
  const path = madeFile("baton.img", values.image, "npm run image -- --format disk makes it; --image FILE names one");
  const image = await openImage(path);
  try {
    const { size } = await image.stat();
    for (const line of await describe(target)) say(line);
    const refused = refusal(target, size);
    if (refused !== null) throw new BatonError("refused", refused);
    say(`${path} (${formatSize(size)}) takes the place of all of this.`);
    if (values["dry-run"]) return 0;
    await confirmed(device, named, values.yes);
    await writeImage(image, { node: device.node, device: target.number, size: device.size }, progress());
  } finally {
    await image.close();
  }
  // udev does it as well, and may be faster: the stick is good without it.
  await rereadPartitions(device.node).catch(() => {});
  say(`${device.node} holds Baton, as was read back from it; it can be pulled out.`);
  return 0;
}

/** The kernel's name of a device, whichever of its names is given. */
function kernelName(named: string): string {
  try {
    const status = statSync(named);
    if (!status.isBlockDevice()) throw new BatonError("refused", `${named} is no disk: name it as /dev/sdX`);
    return basename(realpathSync(`/sys/dev/block/${deviceNumber(status.rdev)}`));
  } catch (error) {
    if (error instanceof BatonError) throw error;
    throw new BatonError("not-found", `${named} can't be looked at: ${describeError(error)}`, { cause: error });
  }
}

/** @throws BatonError where it is no disk's image: that would make a stick that starts nowhere */
async function openImage(path: string): Promise<FileHandle> {
  const image = await open(path, "r");
  try {
    const status = await image.stat();
    if (!status.isFile()) throw new BatonError("not-a-file", `${path} is no file with an image in it`);
    const { buffer } = await image.read(Buffer.alloc(512), 0, 512, 0);
    if (buffer.readUInt16LE(510) === 0xaa55 && status.size % 512 === 0) return image;
    throw new BatonError(
      "bad-format",
      `${path} is no disk's image: it has no partition table; unpack it if it is packed`,
    );
  } catch (error) {
    await image.close();
    throw error;
  }
}

/** The disk and its parts, one line each. */
async function describe({ device, partitions }: Target): Promise<string[]> {
  const contents = async (part: BlockDevice): Promise<string> => {
    const { identity, partlabel, reason } = await probeDevice(part);
    const label = identity?.label ?? partlabel;
    const what = identity?.type ?? reason ?? "nothing that Baton knows";
    return [`  ${part.name}`, formatSize(part.size), what, ...(label ? [JSON.stringify(label)] : [])].join("  ");
  };
  const facts = [device.model ?? "a disk without a name", formatSize(device.size), device.transport ?? "unknown bus"];
  const parts = partitions.length > 0 ? partitions : [device];
  return [`${device.node}: ${facts.join(", ")}`, ...(await Promise.all(parts.map(contents)))];
}

/** @param yes what stands in place of a person's typing @throws BatonError where another name is given */
async function confirmed(device: BlockDevice, named: string, yes: string | undefined): Promise<void> {
  const names = [device.name, device.node, named];
  let typed = yes;
  if (typed === undefined) {
    if (!process.stdin.isTTY) {
      throw new BatonError("refused", `nobody can be asked here: run this on a terminal, or add --yes ${device.name}`);
    }
    const { typeLines } = await import("../shared/typed.ts");
    [typed = ""] = await typeLines([{ text: `Type ${printable(device.name)} to erase it: `, isHidden: false }]);
  }
  if (!names.includes(typed)) {
    throw new BatonError("refused", `nothing was written: '${typed}' is not the name of ${device.node}`);
  }
}

/** On a terminal a line that is drawn over; elsewhere a line at each step's end. */
function progress(): OnWritten {
  const words = { write: "written", verify: "read back" };
  return (step, share) => {
    const line = `${Math.floor(share * 100)} % ${words[step]}`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line}${share === 1 ? "\n" : " "}`);
    else if (share === 1) process.stderr.write(`${line}\n`);
  };
}
