/**
 * A device with a layer in memory above it, which takes all that is written: a journal is replayed there, and the disk
 * stays as it is. Needs device-mapper's snapshot target and loop devices; loaded only where a filesystem is dirty.
 */

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { freemem } from "node:os";
import { describeError } from "../errors.ts";
import { deviceSize, setReadOnly } from "../linux/blkdev.ts";
import { createDmDevice, removeDmDevice } from "../linux/devicemapper.ts";
import { attachFile, detachFile } from "../linux/loopdevice.ts";
import { OWN_FOLDER } from "../linux/ownimage.ts";
import { log } from "../log.ts";

/** Below it lies what devices/block.ts passes over. */
const FOLDER = `${OWN_FOLDER}/replay`;
/** The layer's size: no journal is larger, and no more than a part of the memory may go. */
const MAX_BYTES = 512 * 2 ** 20;
const MIN_BYTES = 8 * 2 ** 20;
const CHUNK_SECTORS = 8;

export interface ReplayLayer {
  /** `/dev/dm-0`; writable. */
  readonly node: string;
  /** Takes it away, once nothing has it mounted. Never rejects. */
  release(): Promise<void>;
}

/**
 * @param node of the device, which is read-only
 * @param name of the device: `vda1`
 * @throws where this kernel or image has not what it takes
 */
export async function replayLayer(node: string, name: string): Promise<ReplayLayer> {
  await loadDrivers();
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  const file = `${FOLDER}/${name}`;
  // Sparse: only what is written takes memory.
  const bytes = Math.max(MIN_BYTES, Math.min(MAX_BYTES, Math.floor(freemem() / 4)));
  writeFileSync(file, "", { mode: 0o600 });
  truncateSync(file, Math.floor(bytes / 4096) * 4096);
  const dmName = `baton-${name}`;
  let loop: string | null = null;
  try {
    const sectors = Math.floor((await deviceSize(node)) / 512);
    loop = attachFile(file);
    // A loop device keeps the read-only mark of its user before.
    await setReadOnly(loop, false);
    const parameters = `${node} ${loop} N ${CHUNK_SECTORS}`;
    const made = await createDmDevice(dmName, { type: "snapshot", sectors, parameters });
    return { node: made, release: () => release(dmName, loop!, file) };
  } catch (error) {
    if (loop !== null) detachFile(loop);
    rmSync(file, { force: true });
    throw error;
  }
}

async function release(dmName: string, loop: string, file: string): Promise<void> {
  try {
    await removeDmDevice(dmName);
    detachFile(loop);
    rmSync(file, { force: true });
  } catch (error) {
    log.debug(`${dmName}: ${describeError(error)}`);
  }
}

async function loadDrivers(): Promise<void> {
  if (existsSync("/dev/mapper/control") && existsSync("/sys/module/dm_snapshot") && existsSync("/dev/loop-control"))
    return;
  await new Promise<void>((resolve) => {
    execFile("modprobe", ["-a", "-q", "dm_mod", "dm_snapshot", "loop"], { timeout: 20_000 }, () => resolve());
  });
}
