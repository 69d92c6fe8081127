/** The list of a SELECT: every item gets the name that Snowflake would give it. */

import type { Rewriting } from "./rewriting.ts";
import {
  type Fields,
  fieldsIf,
  generateSnowflake,
  identifier,
  listOf,
  type Node,
  openNode,
} from "./sql-ast.ts";
import { HIDDEN } from "./functions.ts";

const NAMED = new Set(["alias", "star", "raw"]);

/** Adds aliases from `names`, when there is one for each item. */
export function nameColumns(select: Fields, names: readonly string[]): Fields {
  const items = listOf(select["expressions"]);
  if (items.length !== names.length) return select;
  return {
    ...select,
    expressions: items.map((item, index) => nameColumn(item, () => names[index] ?? "")),
  };
}

function nameColumn(item: Node, name: () => string): Node {
  const opened = openNode(item);
  if (opened === undefined || NAMED.has(opened[0]) || isPlainColumn(item)) return item;
  return {
    alias: {
      this: item,
      alias: identifier(name()),
      column_aliases: [],
      alias_explicit_as: true,
      pre_alias_comments: [],
      trailing_comments: [],
      alias_keyword: null,
    },
  };
}

/** A column keeps its own name; `t.$1` and a path into a variant have none. */
function isPlainColumn(item: Node): boolean {
  const dot = fieldsIf(item, "dot");
  return dot === undefined
    ? fieldsIf(item, "column") !== undefined
    : isPlainColumn(dot["this"] ?? null);
}

/** A SELECT anywhere: unnamed items are named by their text. */
export function rewriteSelect(select: Fields, rewriting: Rewriting): Node | undefined {
  const items = listOf(select["expressions"]);
  const named = items.map((item) => nameColumn(item, () => shownText(item)));
  if (named.every((item, index) => item === items[index])) return undefined;
  return rewriting.rewrite({ select: { ...select, expressions: named } });
}

function shownText(item: Node): string {
  return generateSnowflake(item).replaceAll(HIDDEN, "").toUpperCase();
}
