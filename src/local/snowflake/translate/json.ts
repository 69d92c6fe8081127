/** Functions of VARIANT, OBJECT and ARRAY, which are JSON in DuckDB. */

import { compilationError, unsupported } from "../engine/errors.ts";
import { macro } from "./rewriting.ts";
import {
  call,
  castTo,
  generateDuckDB,
  literalText,
  type Node,
  openNode,
  quoteText,
  raw,
} from "./sql-ast.ts";

type ArgumentsRewriter = (args: readonly Node[]) => Node;

/** `a.b[0]` behind a colon or in GET_PATH: `json_extract` with DuckDB's path. */
export function variantPath(node: Node, path: string): Node {
  const steps = path.replace(/\["([^"]*)"\]/g, '."$1"').replace(/^\./, "");
  return macro(
    "json_extract",
    node,
    raw(quoteText(steps.startsWith("[") ? `$${steps}` : `$.${steps}`)),
  );
}

/** An element or member: `v['a']`, `v[0]`, GET(v, 'a'). */
export function variantElement(node: Node, key: Node): Node {
  const name = literalText(key);
  return macro("json_extract", node, name === undefined ? key : raw(quoteText(`$."${name}"`)));
}

function variantText(node: Node): string {
  return generateDuckDB(macro("sf_variant", node));
}

/** Members whose value is NULL are left out. */
function construct(args: readonly Node[]): Node {
  if (openNode(args[0])?.[0] === "star") throw unsupported("OBJECT_CONSTRUCT(*)");
  if (args.length % 2 === 1) throw compilationError("OBJECT_CONSTRUCT needs a value for each key");
  const entries: string[] = [];
  for (let index = 0; index < args.length; index += 2) {
    entries.push(
      `{k: CAST(${generateDuckDB(args[index] ?? null)} AS VARCHAR), v: ${variantText(args[index + 1] ?? null)}}`,
    );
  }
  return entries.length === 0
    ? raw("CAST('{}' AS JSON)")
    : call("sf_object", raw(`[${entries.join(", ")}]`));
}

function getPath([node = null, path]: readonly Node[]): Node {
  const text = literalText(path);
  if (text === undefined) throw unsupported("GET_PATH with a path that is not a constant");
  return variantPath(node, text);
}

function isOfType(...types: readonly string[]): ArgumentsRewriter {
  const list = types.map(quoteText).join(", ");
  return ([node = null]) => raw(`(json_type(${generateDuckDB(node)}) IN (${list}))`);
}

export const JSON_FUNCTIONS: Readonly<Record<string, ArgumentsRewriter>> = {
  OBJECT_CONSTRUCT: construct,
  OBJECT_CONSTRUCT_KEEP_NULL: (args) =>
    call(
      "json_object",
      ...args.map((arg, index) =>
        index % 2 === 0 ? castTo(arg, "VARCHAR") : macro("sf_variant", arg),
      ),
    ),
  ARRAY_CONSTRUCT: (args) => call("json_array", ...args.map((arg) => macro("sf_variant", arg))),
  GET: ([node = null, key = null]) => variantElement(node, key),
  GET_PATH: getPath,
  TO_VARIANT: ([node = null]) => macro("sf_variant", node),
  TO_OBJECT: ([node = null]) => macro("sf_variant", node),
  TO_ARRAY: ([node = null]) => macro("sf_array", node),
  IS_ARRAY: isOfType("ARRAY"),
  IS_OBJECT: isOfType("OBJECT"),
  IS_VARCHAR: isOfType("VARCHAR"),
  IS_INTEGER: isOfType("BIGINT", "UBIGINT", "HUGEINT"),
  IS_BOOLEAN: isOfType("BOOLEAN"),
  OBJECT_AGG: ([key = null, value = null]) =>
    call("json_group_object", castTo(key, "VARCHAR"), macro("sf_variant", value)),
};
