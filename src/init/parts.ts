/** What the steps of init (init.ts) share. */

import type { DeviceMonitor } from "../discovery/devicemonitor.ts";
import type { ConsoleSpec } from "../menu/consoles.ts";
import type { BootState } from "../session/bootstate.ts";
import type { Session } from "../session/session.ts";
import type { Configuration } from "./configuration.ts";
import type { KernelLog } from "./kernellog.ts";
import type { NetworkOnDemand } from "./network.ts";
import type { Readiness } from "./readiness.ts";
import type { RemoteConsole } from "./remote.ts";
import type { WatchdogOnDemand } from "./watchdog.ts";

export interface InitParts {
  readonly kernelLog: KernelLog;
  readonly configuration: Configuration;
  readonly consoles: readonly ConsoleSpec[];
  readonly machine: DeviceMonitor;
  readonly readiness: Readiness;
  readonly network: NetworkOnDemand;
  readonly watchdog: WatchdogOnDemand;
  readonly session: Session;
  /** The menu over the network, once it was wanted. */
  remote?: RemoteConsole;
  /** What may be written and what is remembered; read when it is first asked for. */
  bootState(): Promise<BootState>;
}
