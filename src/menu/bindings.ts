/** Which key does what, besides those that the controller names: other boot menus' keys, and the owner's own. */

/** The key that stands for an action in the controller, by the action's name in the configuration (`keys:`). */
const ACTION_KEYS: Readonly<Record<string, string>> = {
  up: "up",
  down: "down",
  pageup: "pageup",
  pagedown: "pagedown",
  first: "home",
  last: "end",
  boot: "enter",
  back: "escape",
  edit: "e",
  shell: "c",
  rescan: "r",
  devices: "i",
  log: "l",
  help: "h",
  redraw: "C-l",
  reboot: "R",
  poweroff: "P",
  default: "d",
  "more-time": "+",
  "less-time": "-",
  search: "/",
  url: "n",
  firmware: "f",
  unlock: "u",
};

/** What users of GRUB and systemd-boot have in their fingers, on the list. */
const OTHER_MENUS: Readonly<Record<string, string>> = {
  // systemd-boot
  T: "-",
  t: "+",
  "=": "+",
  _: "-",
  B: "R",
  O: "P",
  Q: "q",
  // GRUB
  "C-x": "enter",
  f10: "enter",
  "C-e": "end",
  "C-a": "home",
  "^": "up",
  v: "down",
  "C-g": "pageup",
};

/** @param own keys by action, from the configuration */
export function listKey(name: string, own: Readonly<Record<string, readonly string[]>>): string {
  for (const action in own) {
    if (own[action]!.includes(name)) return ACTION_KEYS[action] ?? name;
  }
  return Object.hasOwn(OTHER_MENUS, name) ? OTHER_MENUS[name]! : name;
}
