/** What the system asked of its boot loader before it restarted: an entry, the menu (state/loaderinterface.ts). */

import { describeError } from "../errors.ts";
import { log } from "../log.ts";
import { TIMEOUT, type Timeout } from "../policy/settingkinds.ts";
import type { Settings } from "../policy/settings.ts";
import { oneText } from "../policy/valuekinds.ts";
import { readVariable, textOfVariable, withVariableWrites, writeVariable } from "../state/efivars.ts";
import { takeRequests } from "../state/loaderinterface.ts";
import type { InitParts } from "./parts.ts";

const SAVED = "@saved";

/** Takes it, and has it hold: by the rules for every default, and nothing is opened by it. Never rejects. */
export async function obeyRequests({ bootState, configuration, session }: InitParts): Promise<void> {
  try {
    const { settings } = configuration;
    const read = (name: string): string | null => {
      const value = readVariable(name);
      return value === null ? null : textOfVariable(value);
    };
    const isAsked = ["LoaderEntryOneShot", "LoaderConfigTimeoutOneShot"].some((name) => read(name));
    const take = () => takeRequests(read, (name) => writeVariable(name, null));
    const { once, usual, problems } = isAsked ? await withVariableWrites(take) : take();
    for (const problem of problems) log.error(problem);
    const [timeout, usually] = [menuFor(once.timeout), TIMEOUT.read(oneText(usual.timeout ?? ""))];
    configuration.ask(
      // A saved entry is systemd-boot's own affair.
      {
        ...(usual.entry !== null && usual.entry !== SAVED && { default: usual.entry }),
        ...(usually && { timeout: usually }),
      },
      { ...(once.entry !== null && { default: once.entry }), ...(timeout && { timeout }) },
    );
    const otherwise = once.entry === null ? undefined : await usualDefault(settings, usual.entry, bootState);
    session.settle(configuration.settings, otherwise === undefined ? {} : { otherwise });
    if (once.entry !== null) log.info(`asked for this start: ${once.entry}`);
  } catch (error) {
    log.error(`what the system asked of its boot loader can't be read: ${describeError(error)}`);
  }
}

/** Who asks for a time asks for the menu: 0 stands for no limit (systemctl(1), --boot-loader-menu=). */
function menuFor(text: string | null): Timeout | undefined {
  const timeout = TIMEOUT.read(oneText(text ?? ""));
  return timeout && { seconds: timeout.seconds || Number.POSITIVE_INFINITY, keys: true };
}

/** What would be the default without what is asked for this start. */
async function usualDefault(
  settings: Settings,
  asked: string | null,
  bootState: InitParts["bootState"],
): Promise<string | null> {
  if (settings.default !== SAVED) return settings.default ?? asked;
  return (await bootState()).rules(settings).saved ?? null;
}
