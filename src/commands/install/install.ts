/** `baton install` and `baton uninstall`: Baton beside an installed system, and away again. */

import { BatonError, describeError } from "../../errors.ts";
import { inOwnImage } from "../../linux/ownimage.ts";
import { printable } from "../../text.ts";
import { INSTALL_OPTIONS, UNINSTALL_OPTIONS } from "../shared/manual.ts";
import { readArgs } from "../shared/options.ts";
import { efiRemovalSteps, efiSteps } from "./efi.ts";
import { grubRemovalSteps, grubSteps } from "./grub.ts";
import { isUefi, type Machine, type Step, thisMachine } from "./machine.ts";

const say = (line: string): void => {
  process.stdout.write(`${printable(line)}\n`);
};

/** @returns the exit code */
export async function install(args: string[], machine: Machine = thisMachine): Promise<number> {
  const { values } = readArgs({ args, options: INSTALL_OPTIONS });
  const isDry = values["dry-run"] === true;
  checkPlace(machine, isDry);
  const asked = { once: values.once === true, from: values.from };
  const steps = isUefi(machine) ? await efiSteps(machine, asked) : await grubSteps(machine, asked);
  await perform(steps, isDry, "the machine starts as before; baton uninstall takes away what was done");
  if (!isDry)
    say(`Baton starts ${asked.once ? "at the next start, once" : "from now on"}; baton uninstall takes it away.`);
  return 0;
}

/** @returns the exit code: 0 also where nothing of Baton is there */
export async function uninstall(args: string[], machine: Machine = thisMachine): Promise<number> {
  const { values } = readArgs({ args, options: UNINSTALL_OPTIONS });
  const isDry = values["dry-run"] === true;
  checkPlace(machine, isDry);
  // A machine may have been started by the other kind of firmware when Baton was installed.
  const steps = [...(await efiRemovalSteps(machine, say)), ...(await grubRemovalSteps(machine, say))];
  if (steps.length === 0) say("nothing of Baton is installed here");
  await perform(steps, isDry, "run it again once that is mended");
  return 0;
}

function checkPlace({ root }: Machine, isDry: boolean): void {
  if (root !== "") return;
  if (inOwnImage()) {
    throw new BatonError("refused", "this is Baton's own system: start the installed one, and run this there");
  }
  if (!isDry && process.getuid?.() !== 0)
    throw new BatonError("refused", "this needs root; --dry-run says what would be done");
}

/** @param afterwards what to do where a step fails */
async function perform(steps: readonly Step[], isDry: boolean, afterwards: string): Promise<void> {
  for (const { says, run } of steps) {
    say(`${isDry ? "would " : ""}${says}`);
    if (isDry) continue;
    await run().catch((error: unknown) => {
      throw new BatonError("io", `${describeError(error)}; ${afterwards}`, {
        cause: error,
      });
    });
  }
}
