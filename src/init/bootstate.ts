/** What may be written and what is remembered on this machine. */

import type { DeviceMonitor } from "../discovery/devicemonitor.ts";
import type { BootState } from "../session/bootstate.ts";
import type { WritableDevice } from "../state/writable.ts";
import { isEfi } from "./firmware.ts";

/** @returns a function that reads it when it is first called, and not before */
export function bootStateOf(machine: DeviceMonitor): () => Promise<BootState> {
  let read: Promise<BootState> | null = null;
  return () => {
    read ??= readBootState(machine);
    return read;
  };
}

async function readBootState(machine: DeviceMonitor): Promise<BootState> {
  const { BootState } = await import("../session/bootstate.ts");
  const lookAt = async (name: string): Promise<WritableDevice> => {
    const device = await machine.lookAt(name);
    const { identity } = device;
    return { ...device, type: identity?.type ?? null, dirty: identity?.dirty ?? true };
  };
  const state = new BootState(machine.discovery, lookAt, isEfi());
  await state.load();
  return state;
}
