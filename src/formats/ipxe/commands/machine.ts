/** What a script asks about its machine and its network: `cpuid`, `nslookup`, and the commands that open a card. */

import { ANY, integer } from "../options.ts";
import type { IpxeCommand } from "../run.ts";
import { store } from "./setting.ts";

const words = (text: string): readonly string[] => text.split(" ");

/** The flags of CPUID's bits, from 0, as Linux calls them (arch/x86/include/asm/cpufeatures.h): EDX and ECX of 1 and 0x80000001. */
const FLAGS = {
  edx: words(
    "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe",
  ),
  ecx: words(
    "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave osxsave avx f16c rdrand hypervisor",
  ),
  extEdx: words(
    "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm 3dnowext 3dnow",
  ),
  extEcx: words(
    "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop skinit wdt - lwp",
  ),
} as const;
/** What every x86 processor that runs today's kernels has, and every 64-bit one. */
const BASELINE = words("fpu tsc msr pae cx8 apic sep cmov pge mmx fxsr sse sse2");
const BASELINE_64 = [...BASELINE, ...words("syscall nx lm")];

/** `cpuid [--ext] [--ecx] BIT`: does the processor have that feature? */
const cpuid: IpxeCommand["run"] = (run, given, { state }) => {
  const isExtended = given.has("ext") || given.has("amd");
  const register = given.has("ecx") ? (isExtended ? "extEcx" : "ecx") : isExtended ? "extEdx" : "edx";
  const flag = FLAGS[register][integer(given.args[0]!) ?? -1] ?? "-";
  const arch = run.setting(state, "buildarch");
  const flags = run.host.cpuFlags?.() ?? new Set(arch === "x86_64" ? BASELINE_64 : arch === "i386" ? BASELINE : []);
  if (flag !== "-" && flags.has(flag)) return "next";
  return { fails: `cpuid ${given.args[0]}: the processor hasn't that feature, as far as is known here` };
};

const nslookup: IpxeCommand["run"] = async (run, { args: [setting = "", name = ""] }, { state }) => {
  const address = await run.host.lookup?.(name);
  if (!address) return { fails: `nslookup ${name}: there is no address by that name` };
  return store(state, setting, address, address.includes(":") ? "ipv6" : "ipv4");
};

/** The card that is opened last is what `netX` means. The network is up already. */
const open: IpxeCommand["run"] = (_, { args }, { state }) => {
  const last = args.at(-1);
  if (last !== undefined && /^net\d+$/.test(last)) state.machine.settings.opened = last;
  return "next";
};

export const machineCommands: readonly IpxeCommand[] = [
  { names: ["cpuid"], options: { ext: "e", amd: "a", ecx: "c" }, args: [1, 1], run: cpuid },
  { names: ["nslookup"], args: [2, 2], run: nslookup },
  { names: ["ifopen"], args: [0, ANY], run: open },
  { names: ["dhcp", "ifconf"], options: { configurator: "c:", timeout: "t#" }, args: [0, ANY], run: open },
];
