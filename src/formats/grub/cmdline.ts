/** How GRUB puts a kernel's arguments together (grub-core/lib/cmdline.c). */

/**
 * The command line as the kernel gets it: an argument with a space is put in double quotes, and backslashes and
 * quotes get a backslash.
 * @param keepHexEscapes Fedora's GRUB leaves `\x20` and the like as they are.
 */
export function loaderCmdline(args: readonly string[], keepHexEscapes = false): string {
  return args.map((arg) => quoteArgument(arg, keepHexEscapes)).join(" ");
}

function quoteArgument(arg: string, keepHexEscapes: boolean): string {
  if (!/[\\'" ]/.test(arg)) return arg;
  const escaped = keepHexEscapes
    ? arg.replace(/(\\x[0-9a-fA-F]{2})|[\\'"]/g, (match, hex) => hex ?? `\\${match}`)
    : arg.replace(/[\\'"]/g, "\\$&");
  return arg.includes(" ") ? `"${escaped}"` : escaped;
}

/** What every `linux` command of GRUB puts before the arguments, the image's own name included. */
export const LINUX_IMAGE = "BOOT_IMAGE=";
