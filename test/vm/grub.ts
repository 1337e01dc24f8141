/** GRUB configurations for test disks, in the shape that Debian's grub-mkconfig gives them. */

/** The 1,024 bytes of a grubenv file. */
export function grubEnvironment(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  return `# GRUB Environment Block\n${lines.join("")}`.padEnd(1024, "#");
}

export interface GrubEntry {
  readonly title: string;
  readonly id: string;
  /** The `linux` line without the word: path and arguments as GRUB's scripts quote them. */
  readonly linux: string;
  readonly initrd?: string;
}

/**
 * A configuration for a filesystem that GRUB finds by its UUID: the default is what grubenv saved, else the first
 * entry; the first entry stands alone, all of them again in a submenu.
 */
export function grubConfig(uuid: string, entries: readonly GrubEntry[], options: { timeout?: number } = {}): string {
  const menuentry = ({ title, id, linux, initrd }: GrubEntry, indent: string): string =>
    [
      `menuentry '${title}' --class debian --class gnu-linux $menuentry_id_option '${id}' {`,
      "\tload_video",
      "\tinsmod gzio",
      "\tinsmod ext2",
      "\tset root='hd0,gpt1'",
      "\tif [ x$feature_platform_search_hint = xy ]; then",
      `\t  search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt1 ${uuid}`,
      "\telse",
      `\t  search --no-floppy --fs-uuid --set=root ${uuid}`,
      "\tfi",
      `\techo\t'Loading ${title} ...'`,
      `\tlinux\t${linux}`,
      ...(initrd ? [`\tinitrd\t${initrd}`] : []),
      "}",
    ]
      .map((line) => indent + line)
      .join("\n");
  const [first] = entries;
  return `# Made for a test, in the shape of grub-mkconfig's output.
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "\${next_entry}" ] ; then
   set default="\${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="\${saved_entry}"
fi
if [ x"\${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
export menuentry_id_option
function load_video {
  if [ x$feature_all_video_module = xy ]; then
    insmod all_video
  else
    insmod vga
  fi
}
if [ x$feature_timeout_style = xy ] ; then
  set timeout_style=menu
fi
set timeout=${options.timeout ?? 5}
${first ? menuentry(first, "") : ""}
submenu 'Advanced options' $menuentry_id_option 'advanced' {
${entries.map((entry) => menuentry({ ...entry, title: `${entry.title} (again)`, id: `${entry.id}-advanced` }, "\t")).join("\n")}
}
`;
}
