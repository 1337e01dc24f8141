/** Every command of iPXE that Baton knows. A new subject is one new file and one new row. */

import type { IpxeCommand } from "../run.ts";
import { askCommands } from "./ask.ts";
import { bootCommands } from "./boot.ts";
import { controlCommands } from "./control.ts";
import { imageCommands } from "./image.ts";
import { leavingCommands } from "./leave.ts";
import { machineCommands } from "./machine.ts";
import { menuCommands } from "./menu.ts";
import { paramCommands } from "./params.ts";
import { quietCommands } from "./quiet.ts";
import { settingCommands } from "./setting.ts";

const COMMANDS: readonly IpxeCommand[] = [
  ...quietCommands,
  ...settingCommands,
  ...controlCommands,
  ...menuCommands,
  ...askCommands,
  ...machineCommands,
  ...paramCommands,
  ...imageCommands,
  ...bootCommands,
  ...leavingCommands,
];

export const IPXE_COMMANDS: ReadonlyMap<string, IpxeCommand> = new Map(
  COMMANDS.flatMap((command) => command.names.map((name) => [name, command])),
);
