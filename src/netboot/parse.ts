/** Reads a file of known content from a server, as its own bootloader would. */

import { totalmem } from "node:os";
import { type Diagnostic, type ParsedEntry, parsedEntry } from "../entry.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import {
  EMPTY_RESULT,
  type Format,
  type FormatContext,
  type FormatResult,
  type FormatVolume,
  type Platform,
} from "../formats/format.ts";
import { formatNamed } from "../formats/formats.ts";
import { listIpxe } from "../formats/ipxe/ipxe.ts";
import { baseName } from "../formats/paths.ts";
import { decodeText } from "../formats/text.ts";
import { bootif, type Lease } from "../net/lease.ts";
import type { Content } from "./contenttype.ts";
import { networkIpxeHost } from "./ipxehost.ts";
import type { Part } from "./iso.ts";
import { dhcpOption, grubVariables } from "./places.ts";
import type { Located, UrlTrees } from "./trees.ts";
import type { KernelExtras } from "./urlfragment.ts";

interface ParserPlace {
  readonly fetcher: Fetcher;
  readonly platform: Platform;
  readonly trees: UrlTrees;
  /** Scripts behind a menu's items are read when they are chosen. */
  readonly defers: boolean;
  /** Reads what another loader would, whose program a script starts. */
  tree(lease: Lease): Promise<FormatResult>;
}

export class ContentParser {
  /** Files that lie within others, by their URLs. */
  readonly parts = new Map<string, Part>();
  readonly #place: ParserPlace;

  constructor(place: ParserPlace) {
    this.#place = place;
  }

  /**
   * @param start the folder in which PXELINUX's names start
   * @throws BatonError where it can't be read
   */
  async parse(
    at: Located,
    content: Content,
    start: string,
    lease: Lease | null,
    extras: KernelExtras,
  ): Promise<FormatResult> {
    const { path } = at;
    switch (content.what) {
      case "kernel":
        return oneEntry(this.#kernel(at, extras));
      case "uki":
        return this.#configuration(formatNamed("uki"), at, start, lease);
      case "configuration":
        return this.#configuration(content.format, at, start, lease);
      case "iso": {
        const { readRemoteIso } = await import("./iso.ts");
        const iso = await readRemoteIso(this.#name(at), at.tree, path, this.#context(at, lease));
        this.#place.trees.addInner(iso.volume);
        for (const [inner, part] of iso.parts) {
          const url = part.url + (at.hash ?? "");
          this.parts.set(this.#place.trees.urlOf(iso.volume.name, inner), { ...part, url });
        }
        return iso.result;
      }
      default:
        return { ...EMPTY_RESULT, diagnostics: [wrong(this.#name(at), "it is nothing that Baton boots from")] };
    }
  }

  async #configuration(format: Format, at: Located, start: string, lease: Lease | null): Promise<FormatResult> {
    const { path } = at;
    if (format.name === "ipxe") {
      const { text } = decodeText(await at.tree.reader.read(path));
      const { fetcher, platform, defers, tree } = this.#place;
      // With a mirror nothing is said of this machine.
      const memory = fetcher.isMirror ? undefined : totalmem();
      const host = networkIpxeHost(fetcher, platform, lease, defers, tree, memory);
      return listIpxe(text, { url: this.#name(at) }, host, { budget: { memory } });
    }
    const network = {
      folder: start,
      // PXELINUX knows IPv4 alone.
      ip: lease?.ip?.includes(".")
        ? [lease.ip, lease.server, lease.gateway, lease.netmask].map((part) => part ?? "").join(":")
        : null,
      bootif: lease && bootif(lease),
      ...(lease === null ? {} : { dhcpOption: (number: number) => dhcpOption(lease, number) }),
    };
    const context = { ...this.#context(at, lease), network };
    return format.folder === undefined
      ? format.parse(path, context)
      : this.#inMenuFolder(format, format.folder, at, context);
  }

  /**
   * systemd-boot's menus are folders at known places, and servers don't tell what is in theirs: the file is shown as
   * the only one in such a folder. What an entry names starts where that folder's own tree does, else at the root.
   */
  async #inMenuFolder(
    format: Format,
    { path: folder, suffix }: NonNullable<Format["folder"]>,
    at: Located,
    context: FormatContext,
  ): Promise<FormatResult> {
    const end = at.path.toLowerCase().lastIndexOf(`${folder.toLowerCase()}/`);
    const base = end < 0 ? "" : at.path.slice(0, end);
    const name = baseName(at.path);
    const path = `${base}${folder}/${name.toLowerCase().endsWith(suffix) ? name : name + suffix}`;
    return format.parse(base + folder, { ...context, volume: withListing(this.#place.trees.alias(at, path)) });
  }

  #context(at: Located, lease: Lease | null): FormatContext {
    const { tree } = at;
    const { trees } = this.#place;
    return {
      volume: tree,
      volumes: [tree],
      platform: this.#place.platform,
      memory: totalmem(),
      variables: grubVariables(lease, tree.name, this.#place.platform),
      openServer: (origin) => trees.tree(origin),
      openUrl: async (url) => {
        const found = trees.locate(url, this.#name(at));
        await trees.pin(found);
        return { volume: found.tree, path: found.path };
      },
    };
  }

  #kernel(at: Located, extras: KernelExtras): ParsedEntry {
    const initrd = extras.initrd.map((name) => {
      if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name)) return { url: name };
      return { url: new URL(name, this.#name(at)).href };
    });
    const source = this.#name(at);
    const title = baseName(at.path);
    return parsedEntry({
      title,
      type: "url",
      source,
      linux: { url: source + (at.hash ?? "") },
      initrd,
      options: extras.options,
    });
  }

  #name(at: Located): string {
    return this.#place.trees.urlOf(at.tree.name, at.path);
  }
}

/** The folders that lead to a file, with nothing else in them. */
function withListing({ tree, path }: Located): FormatVolume {
  const list: FormatVolume["reader"]["list"] = async (folder) => {
    const start = folder === "/" ? "/" : `${folder}/`;
    if (!path.startsWith(start)) return tree.reader.list(folder);
    const [name = "", ...deeper] = path.slice(start.length).split("/");
    return [{ name, type: deeper.length > 0 ? "directory" : "file" }];
  };
  const { read, readAt, stat } = tree.reader;
  return { ...tree, reader: { read, readAt, stat, list } };
}

const oneEntry = (entry: ParsedEntry): FormatResult => ({
  ...EMPTY_RESULT,
  entries: [entry],
  defaultIndex: 0,
  defaultIsExplicit: true,
});

const wrong = (source: string, message: string): Diagnostic => ({
  ...{ severity: "error", source, line: null, column: null, message },
});
