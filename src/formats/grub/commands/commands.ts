/** Every command that Baton knows: a new subject is one new file and one new line. */

import type { CommandFunction } from "../interpreter.ts";
import { blsCommands } from "./bls.ts";
import { checkCommands } from "./checks.ts";
import { configCommands } from "./config.ts";
import { controlCommands } from "./control.ts";
import { deviceCommands } from "./device.ts";
import { fileCommands } from "./file.ts";
import { firmwareCommands } from "./firmware.ts";
import { gptCommands } from "./gpt.ts";
import { loadCommands } from "./load.ts";
import { menuCommands } from "./menu.ts";
import { networkCommands } from "./network.ts";
import { passwordCommands } from "./passwords.ts";
import { quietCommands } from "./quiet.ts";
import { searchCommands } from "./search.ts";
import { smbiosCommands } from "./smbios.ts";
import { testCommands } from "./test.ts";
import { textCommands } from "./text.ts";
import { variableCommands } from "./variables.ts";

let table: ReadonlyMap<string, CommandFunction> | null = null;

/** The table, made at its first use. */
export function grubCommands(): ReadonlyMap<string, CommandFunction> {
  table ??= new Map<string, CommandFunction>([
    ...quietCommands,
    ...checkCommands,
    ...passwordCommands,
    ...controlCommands,
    ...variableCommands,
    ...testCommands,
    ...searchCommands,
    ...menuCommands,
    ...configCommands,
    ...textCommands,
    ...fileCommands,
    ...deviceCommands,
    ...firmwareCommands,
    ...networkCommands,
    ...gptCommands,
    ...smbiosCommands,
    ...blsCommands,
    ...loadCommands,
  ]);
  return table;
}
