/** Forms that are sent with a request: `params`, `param`, and URIs that end in `##params` (ipxe.org/cmd/params). */

import type { FileRef } from "../../../entry.ts";
import type { IpxeCommand } from "../run.ts";
import type { Machine } from "../state.ts";

/** More than any form has. */
const MAX_PARAMETERS = 200;

/**
 * The file that is fetched by sending the form that its URI names. Such a form is used once.
 * @param ref what the rest of the URI means
 * @returns null where there is no such form
 */
export function withForm({ params }: Machine, uri: string, ref: FileRef | null): FileRef | null {
  const name = /##params(?:=([^#]*))?$/.exec(uri);
  if (name === null || ref === null || !("url" in ref)) return ref;
  const list = params.get(name[1] ?? "");
  if (list === undefined) return null;
  params.delete(name[1] ?? "");
  const form = list.filter(({ isHeader }) => !isHeader);
  const pairs = form.map(({ key, value }) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join("&");
  const headers = list.filter(({ isHeader }) => isHeader).map(({ key, value }) => `${key}: ${value}`);
  const parts = [
    ...(form.length > 0 || headers.length === 0 ? [`post=${encodeURIComponent(pairs)}`] : []),
    ...headers.map((header) => `header=${encodeURIComponent(header)}`),
  ];
  return { url: `${ref.url}${ref.url.includes("#") ? "&" : "#"}${parts.join("&")}` };
}

const params: IpxeCommand["run"] = (_, given, { state: { machine } }) => {
  const name = given.text("name") ?? "";
  if (given.has("delete")) machine.params.delete(name);
  else machine.params.set(name, []);
  return "next";
};

const param: IpxeCommand["run"] = (_, given, { state: { machine } }) => {
  const name = given.text("params") ?? "";
  const list = machine.params.get(name);
  if (list === undefined)
    return { fails: `param: there is no form${name === "" ? "; params makes one" : ` '${name}'`}` };
  if (list.length >= MAX_PARAMETERS) return { fails: `param: a form has more than ${MAX_PARAMETERS} parameters` };
  const [key = "", ...value] = given.args;
  machine.params.set(name, [...list, { key, value: value.join(" "), isHeader: given.has("header") }]);
  return "next";
};

export const paramCommands: readonly IpxeCommand[] = [
  { names: ["params"], options: { name: "n:", delete: "d" }, args: [0, 0], run: params },
  { names: ["param"], options: { params: "p:", header: "H" }, args: [1, Number.POSITIVE_INFINITY], run: param },
];
