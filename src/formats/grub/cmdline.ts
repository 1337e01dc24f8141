/** How GRUB puts a kernel's arguments together (grub-core/lib/cmdline.c). */

/**
 * The command line as the kernel gets it: an argument with a space is put in double quotes, and backslashes and
 * quotes get a backslash, save in `\x20` and the like, which Red Hat's GRUB leaves as they are.
 */
export function loaderCmdline(args: readonly string[]): string {
  return args.map(quoteArgument).join(" ");
}

function quoteArgument(arg: string): string {
  if (!/[\\'" ]/.test(arg)) return arg;
  const escaped = arg.replace(/(\\x[0-9a-fA-F]{2})|[\\'"]/g, (match, hex) => hex ?? `\\${match}`);
  return arg.includes(" ") ? `"${escaped}"` : escaped;
}

/** What every `linux` command of GRUB puts before the arguments, the image's own name included. */
export const LINUX_IMAGE = "BOOT_IMAGE=";
