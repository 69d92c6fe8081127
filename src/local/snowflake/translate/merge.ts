/** MERGE into DuckDB's. */

import type { TableEntry } from "../engine/catalog.ts";
import { compilationError } from "../engine/errors.ts";
import type { Rewriting } from "./rewriting.ts";
import {
  type Fields,
  fieldsIf,
  fieldsOf,
  generateDuckDB,
  isFields,
  listOf,
  type Node,
  quoteName,
  textOf,
} from "./sql-ast.ts";
import {
  type FindTable,
  findColumn,
  findTarget,
  nameOf,
  physicalName,
  targetName,
  writeAssigned,
  writeDefault,
  writeSources,
  type Written,
} from "./dml.ts";

export function writeMerge(merge: Fields, find: FindTable, rewriting: Rewriting): Written {
  const aliased = fieldsIf(merge["this"], "alias");
  const target = fieldsIf(aliased?.["this"] ?? merge["this"], "table") ?? {};
  const { table, alias } = findTarget(
    aliased === undefined ? target : { ...target, alias: aliased["alias"] ?? null },
    find,
    rewriting,
  );
  const source = writeSources([merge["using"] ?? null], rewriting);
  const on = generateDuckDB(rewriting.rewrite(merge["on"] ?? null));
  const branches = listOf(fieldsOf(fieldsIf(merge["whens"], "whens"))["expressions"]);
  const whens = branches.map((branch) =>
    writeBranch(fieldsIf(branch, "when") ?? {}, table, alias, rewriting),
  );
  const sql = `MERGE INTO ${physicalName(table)} AS ${quoteName(alias)} USING ${source} ON ${on} ${whens.join(" ")}`;
  return { table, sql, values: [], overwrite: false };
}

function writeBranch(
  branch: Fields,
  table: TableEntry,
  alias: string,
  rewriting: Rewriting,
): string {
  const isMatched = fieldsIf(branch["matched"], "boolean")?.["value"] === true;
  const condition = isFields(branch["condition"])
    ? ` AND ${generateDuckDB(rewriting.rewrite(branch["condition"]))}`
    : "";
  const head = `WHEN ${isMatched ? "" : "NOT "}MATCHED${condition} THEN`;
  const parts = listOf(fieldsIf(branch["then"], "tuple")?.["expressions"]);
  const action = textOf(fieldsIf(parts[0] ?? branch["then"], "var")?.["this"]).toUpperCase();
  if (action === "DELETE") return `${head} DELETE`;
  const lists = parts.slice(1).map((part) => listOf(fieldsIf(part, "tuple")?.["expressions"]));
  if (action === "UPDATE")
    return `${head} UPDATE SET ${writeSets(lists[0] ?? [], table, alias, rewriting)}`;
  if (action === "INSERT") return `${head} ${writeMergeInsert(lists, table, rewriting)}`;
  throw compilationError("MERGE with an unknown action");
}

function writeSets(
  sets: readonly Node[],
  table: TableEntry,
  alias: string,
  rewriting: Rewriting,
): string {
  return sets
    .map((set) => {
      const { left, right } = fieldsIf(set, "eq") ?? {};
      const identifier = fieldsIf(left, "column")?.["name"] ?? fieldsIf(left, "identifier") ?? null;
      const entry = findColumn(table, targetName(identifier, table, alias, rewriting));
      return `${quoteName(entry.name)} = ${writeAssigned(right ?? null, entry, rewriting)}`;
    })
    .join(", ");
}

function writeMergeInsert(
  lists: readonly (readonly Node[])[],
  table: TableEntry,
  rewriting: Rewriting,
): string {
  const [first = [], second] = lists;
  const nameIn = (item: Node): string =>
    nameOf(fieldsIf(item, "column")?.["name"] ?? fieldsIf(item, "identifier"), rewriting);
  const columns =
    second === undefined ? table.columns : first.map((item) => findColumn(table, nameIn(item)));
  const values = second ?? first;
  const stored = columns.map((entry, index) =>
    writeAssigned(values[index] ?? null, entry, rewriting),
  );
  const defaults = table.columns.flatMap((entry) => {
    const value = columns.includes(entry) ? undefined : writeDefault(entry, rewriting);
    return value === undefined ? [] : [{ entry, value }];
  });
  const names = [...columns, ...defaults.map(({ entry }) => entry)].map((entry) =>
    quoteName(entry.name),
  );
  return `INSERT (${names.join(", ")}) VALUES (${[...stored, ...defaults.map(({ value }) => value)].join(", ")})`;
}
