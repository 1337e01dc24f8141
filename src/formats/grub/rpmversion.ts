/** How Fedora's GRUB orders entries: by the names of their files, as RPM orders packages (blscfg.c). */

/** Above 0 where `a` is newer than `b`. */
export function compareEntryNames(a: string, b: string): number {
  const [nameA, versionA, releaseA] = splitPackage(a);
  const [nameB, versionB, releaseB] = splitPackage(b);
  return (
    compareRpmVersions(nameA, nameB) || compareRpmVersions(versionA, versionB) || compareRpmVersions(releaseA, releaseB)
  );
}

/** `name-version-release`; what is missing is missing at the end. */
function splitPackage(text: string): [name: string, version: string, release: string] {
  const last = text.lastIndexOf("-");
  if (last === -1) return [text, "", ""];
  const release = text.slice(last + 1);
  const rest = text.slice(0, last);
  const middle = rest.lastIndexOf("-");
  if (middle === -1) return [rest, release, ""];
  return [rest.slice(0, middle), rest.slice(middle + 1), release];
}

/** rpmvercmp: segments of digits or letters; `~` is older than anything. Above 0 where `a` is newer. */
export function compareRpmVersions(a: string, b: string): number {
  if (a === b) return 0;
  let one = a;
  let two = b;
  while (one !== "" || two !== "") {
    one = one.replace(/^[^A-Za-z0-9~]+/, "");
    two = two.replace(/^[^A-Za-z0-9~]+/, "");
    if (one.startsWith("~") || two.startsWith("~")) {
      if (!one.startsWith("~")) return 1;
      if (!two.startsWith("~")) return -1;
      one = one.slice(1);
      two = two.slice(1);
      continue;
    }
    if (one === "" || two === "") break;
    const isNumber = /^[0-9]/.test(one);
    const segment = isNumber ? /^[0-9]*/ : /^[A-Za-z]*/;
    const first = segment.exec(one)![0];
    const second = segment.exec(two)![0];
    if (second === "") return isNumber ? 1 : -1;
    one = one.slice(first.length);
    two = two.slice(second.length);
    const order = isNumber ? compareDigits(first, second) : compareText(first, second);
    if (order !== 0) return order;
  }
  return one === two ? 0 : one === "" ? -1 : 1;
}

function compareDigits(a: string, b: string): number {
  const first = a.replace(/^0+/, "");
  const second = b.replace(/^0+/, "");
  return first.length - second.length || compareText(first, second);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
