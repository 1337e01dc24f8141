/** What a person may try after a boot that failed, by what the failure says. */

const RULES: readonly { readonly when: RegExp; readonly advice: string }[] = [
  {
    when: /missing|no such file|no attached device|not attached|gone/i,
    advice: "Look at what is there (i) and look again (r); a disk may have come late or under another name.",
  },
  {
    when: /not a (linux )?kernel|is no kernel|truncated|cut short|ends after|damaged|digest/i,
    advice: "The file is damaged or another one: boot an older kernel, and install this one anew from there.",
  },
  {
    when: /signature|lockdown|ENOKEY|EKEYREJECTED|EPERM/i,
    advice: "The running kernel demands a signature that it knows: sign this kernel, or switch Secure Boot off (f).",
  },
  { when: /memory|ENOMEM|too large/i, advice: "Free memory is short: boot an entry with a smaller initrd." },
  {
    when: /no answer within|EIO|input\/output|timed? ?out|did not answer/i,
    advice: "The disk answers badly: check its cable and its health, and boot from another one.",
  },
  {
    when: /restricted|password/i,
    advice: "Give the password of Baton's configuration, or choose an entry that is free.",
  },
];

/** Sentences, the most likely first; what always helps comes last. */
export function adviceOn(reason: string): string[] {
  const found = RULES.filter(({ when }) => when.test(reason)).map(({ advice }) => advice);
  return [...found, "Choose another entry; edit this one for one boot (e); read the log (l)."];
}
