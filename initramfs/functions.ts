/** Names for the functions of a bundled program, which stay the same when something else in it changes. */

import { type Node, parse } from "acorn";
import { wrapForStart } from "./build.ts";

/** Those of a bundle; the offsets are in what wrapForStart makes of it. */
export function bundleFunctions(code: string): ReadonlyMap<string, number> {
  const text = code.replace(/^#!.*\n/, "");
  const offset = wrapForStart(code).indexOf(text);
  return new Map([...functionsOf(text)].map(([name, end]) => [name, end + offset]));
}

/**
 * The functions of a program's text, by name: "src/menu/menu.ts.Menu.#paint" is a method, "read.sort.0" the first
 * function without a name in `sort` in `read`, "Menu.fields" what gives an object its fields. The value is the offset
 * behind the function's last character, by which V8 knows it, too.
 * @throws SyntaxError where the text is no program
 */
export function functionsOf(code: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const add = (name: string, end: number): string => {
    const free = unused(found, name);
    found.set(free, end);
    return free;
  };
  const visit = (node: Node, around: string, name: string): void => {
    let inner = around;
    if (node.type.includes("Function")) inner = add(joined(around, name), node.end);
    else if (node.type === "ClassDeclaration" || node.type === "ClassExpression") inner = joined(around, name);
    else if (node.type === "ClassBody") {
      const last = childrenOf(node).findLast((child) => child.type === "PropertyDefinition" && !child.static);
      if (last !== undefined) add(joined(around, "fields"), (last.value ?? last.key!).end);
    }
    for (const child of childrenOf(node)) visit(child, inner, nameIn(child) || nameFor(node, child));
  };
  visit(parse(code, { ecmaVersion: "latest" }), "", "");
  return found;
}

interface AnyNode extends Node {
  readonly static?: boolean;
  readonly id?: AnyNode | null;
  readonly key?: AnyNode;
  readonly left?: AnyNode;
  readonly value?: AnyNode | null;
  readonly name?: string;
}

function childrenOf(node: Node): AnyNode[] {
  return Object.values(node)
    .flat()
    .filter((value) => typeof (value as Node | null)?.type === "string") as AnyNode[];
}

/** What a class, function or method calls itself; "" where it doesn't. */
const nameIn = (node: AnyNode): string => (node.type === "Property" ? "" : nameOf(node.id));

/** What stands beside a value as its name. */
function nameFor(node: AnyNode, child: AnyNode): string {
  const named = node.id ?? node.key ?? node.left;
  return named === child ? "" : nameOf(named);
}

function nameOf(node: AnyNode | null | undefined): string {
  if (node?.type === "PrivateIdentifier") return `#${node.name}`;
  return node?.type === "Literal" ? String(node.value) : (node?.name ?? "");
}

const joined = (around: string, name: string): string => [around, name].filter((part) => part !== "").join(".");

/** The name, with a number behind it where it is none, or another function's already. */
function unused(taken: ReadonlyMap<string, unknown>, name: string): string {
  if (name !== "" && !taken.has(name)) return name;
  let count = 0;
  while (taken.has(joined(name, String(count)))) count++;
  return joined(name, String(count));
}
