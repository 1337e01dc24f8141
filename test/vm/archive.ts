export interface ArchiveFile {
  readonly path: string;
  readonly bytes?: Uint8Array;
  readonly symlink?: string;
  readonly mode?: number;
}
export function archive(files: readonly ArchiveFile[]): Buffer {
  const parts: Buffer[] = [];
  const seen = new Set<string>();
  let ino = 1;
  const add = (path: string, mode: number, bytes: Uint8Array) => {
    const name = Buffer.from(`${path}\0`);
    const h = [ino++, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length, 0].map((n) =>
      n.toString(16).padStart(8, "0").toUpperCase(),
    );
    const head = Buffer.concat([Buffer.from(`070701${h.join("")}`), name]);
    parts.push(
      head,
      Buffer.alloc((4 - (head.length & 3)) & 3),
      Buffer.from(bytes),
      Buffer.alloc((4 - (bytes.length & 3)) & 3),
    );
  };
  for (const file of files) {
    const names = file.path.split("/");
    for (let i = 1; i < names.length; i++) {
      const d = names.slice(0, i).join("/");
      if (!seen.has(d)) {
        seen.add(d);
        add(d, 0o40755, new Uint8Array());
      }
    }
    if (file.symlink !== undefined) add(file.path, 0o120777, Buffer.from(file.symlink));
    else add(file.path, 0o100000 | (file.mode ?? 0o644), file.bytes!);
  }
  add("TRAILER!!!", 0, new Uint8Array());
  const all = Buffer.concat(parts);
  return Buffer.concat([all, Buffer.alloc((512 - (all.length % 512)) % 512)]);
}
