/** Every command of iPXE that Baton knows. A new subject is one new file and one new row. */

import type { IpxeCommand } from "../run.ts";
import { bootCommands } from "./boot.ts";
import { controlCommands } from "./control.ts";
import { imageCommands } from "./image.ts";
import { leavingCommands } from "./leave.ts";
import { menuCommands } from "./menu.ts";
import { quietCommands } from "./quiet.ts";
import { settingCommands } from "./setting.ts";

export const IPXE_COMMANDS: ReadonlyMap<string, IpxeCommand> = new Map<string, IpxeCommand>([
  ...quietCommands,
  ...settingCommands,
  ...controlCommands,
  ...menuCommands,
  ...imageCommands,
  ...bootCommands,
  ...leavingCommands,
]);
