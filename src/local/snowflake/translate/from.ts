/** What can stand in FROM: tables, views, streams, table functions, VALUES. */

import { compilationError, unsupported } from "../engine/errors.ts";
import type { Rewriting, Source } from "./rewriting.ts";
import {
  type Fields,
  fieldsIf,
  fieldsOf,
  generateDuckDB,
  identifier,
  isFields,
  listOf,
  type Node,
  openNode,
  quoteName,
  raw,
  textOf,
} from "./sql-ast.ts";
import { SEQUENCE_COLUMN } from "./sequences.ts";
import { HIDDEN } from "./functions.ts";
import { writeTaskHistory } from "./task-history.ts";

/** The DuckDB database that holds all of Snowflake's. */
export const DATA_CATALOG = "data";

const VIEW_DEPTH_MAX = 32;

export function rewriteTable(table: Fields, rewriting: Rewriting): Node | undefined {
  if (isFields(table["when"])) throw unsupported("AT | BEFORE (time travel)");
  const path = tablePath(table);
  if (path.length === 1 && rewriting.scopes.some((names) => names.includes(path[0] ?? "")))
    return undefined;
  const source = rewriting.context.resolve(path);
  if (source.kind === "table") return { table: placeTable(table, source, path.at(-1) ?? "") };
  const alias = textOf(fieldsOf(table["alias"])["name"]) || (path.at(-1) ?? "");
  return raw(
    `${writeSource(source, rewriting)} AS ${quoteName(alias)}${writeColumnAliases(table["column_aliases"])}`,
  );
}

/** `a.b.c` of a table node whose names were rewritten. */
export function tablePath(table: Fields): string[] {
  return [table["catalog"], table["schema"], table["name"]]
    .map((part) => textOf(fieldsOf(part)["name"]))
    .filter((name) => name !== "");
}

/** The table node with DuckDB's name, still known by the name it had. */
export function placeTable(
  table: Fields,
  source: Extract<Source, { kind: "table" }>,
  name: string,
): Fields {
  return {
    ...table,
    catalog: identifier(DATA_CATALOG),
    schema: identifier(source.schema),
    name: identifier(source.table),
    alias: isFields(table["alias"]) ? table["alias"] : identifier(name),
    alias_explicit_as: true,
  };
}

function writeSource(source: Exclude<Source, { kind: "table" }>, rewriting: Rewriting): string {
  if (source.kind === "view") return writeView(source, rewriting);
  if (source.stream !== undefined) rewriting.streams.add(source.stream);
  return `(${source.sql})`;
}

/** The names are those of the view's creation, whatever its tables have become since. */
function writeView(view: Extract<Source, { kind: "view" }>, rewriting: Rewriting): string {
  if (rewriting.depth > VIEW_DEPTH_MAX)
    throw compilationError("views are nested too deeply, or a view reads itself");
  return `(SELECT * FROM (${rewriting.writeView(view)}) AS v(${view.columns.map(quoteName).join(", ")}))`;
}

function writeColumnAliases(aliases: Node | undefined): string {
  const names = listOf(aliases).map((alias) => quoteName(textOf(fieldsOf(alias)["name"])));
  return names.length === 0 ? "" : `(${names.join(", ")})`;
}

type TableFunction = (args: FunctionArguments, rewriting: Rewriting) => string;

interface FunctionArguments {
  /** By position, and by name in upper case. */
  readonly byPosition: readonly string[];
  readonly byName: ReadonlyMap<string, string>;
}

const TABLE_FUNCTIONS: Readonly<Record<string, TableFunction>> = {
  FLATTEN: writeFlatten,
  GENERATOR: writeGenerator,
  TASK_HISTORY: ({ byName }, { context }) => writeTaskHistory(context.taskHistory(), byName),
  SPLIT_TO_TABLE: (args) => {
    const [text, separator] = args.byPosition;
    return `(SELECT 1 AS "SEQ", i AS "INDEX", parts[i] AS "VALUE" FROM (SELECT string_split(${text}, ${separator}) AS parts),
      LATERAL (SELECT unnest(range(1, len(parts) + 1)) AS i))`;
  },
};

function writeGenerator(args: FunctionArguments): string {
  const rows = args.byName.get("ROWCOUNT");
  if (rows === undefined) throw unsupported("GENERATOR without ROWCOUNT");
  return `(SELECT CAST(range AS DECIMAL(38, 0)) AS "${SEQUENCE_COLUMN}" FROM range(CAST(${rows} AS BIGINT)))`;
}

/** One row for each element or member, in their order; with OUTER one row of nulls for none. */
function writeFlatten(args: FunctionArguments): string {
  for (const name of ["RECURSIVE", "MODE"]) {
    if (args.byName.has(name)) throw unsupported(`FLATTEN with ${name}`);
  }
  const input = args.byName.get("INPUT") ?? args.byPosition[0];
  if (input === undefined) throw compilationError("FLATTEN needs an INPUT");
  const path = args.byName.get("PATH") ?? args.byPosition[1];
  const base = path === undefined ? input : `json_extract(${input}, '$.' || ${path})`;
  const isOuter = /true/i.test(args.byName.get("OUTER") ?? args.byPosition[2] ?? "");
  const keys = isOuter
    ? "SELECT unnest(CASE WHEN len(keys) = 0 OR keys IS NULL THEN [NULL] ELSE keys END) AS k"
    : "SELECT unnest(keys) AS k";
  return `(SELECT 1 AS "SEQ", CASE json_type(x) WHEN 'OBJECT' THEN k END AS "KEY",
    CASE json_type(x) WHEN 'OBJECT' THEN k ELSE '[' || k || ']' END AS "PATH",
    CASE json_type(x) WHEN 'ARRAY' THEN TRY_CAST(k AS BIGINT) END AS "INDEX",
    CASE WHEN k IS NOT NULL THEN json_extract(x, sf_flatten_path(x, k)) END AS "VALUE", x AS "THIS"
    FROM (SELECT x, sf_flatten_keys(x) AS keys FROM (SELECT to_json(${base}) AS x)), LATERAL (${keys}))`;
}

function readArguments(args: readonly Node[], rewriting: Rewriting): FunctionArguments {
  const byPosition: string[] = [];
  const byName = new Map<string, string>();
  for (const arg of args) {
    const named = fieldsIf(arg, "named_argument");
    if (named === undefined) byPosition.push(generateDuckDB(rewriting.rewrite(arg)));
    else {
      const name = textOf(fieldsOf(named["name"])["name"]).toUpperCase();
      byName.set(name, generateDuckDB(rewriting.rewrite(named["value"] ?? null)));
    }
  }
  return { byPosition, byName };
}

function writeTableFunction(node: Node, rewriting: Rewriting): string | undefined {
  const fields = fieldsIf(node, "function") ?? informationFunction(node);
  if (fields === undefined) return undefined;
  const name = textOf(fields["name"]).toUpperCase().replace(HIDDEN, "");
  const args = listOf(fields["args"]);
  if (name === "TABLE" && args[0] !== undefined) return writeTableFunction(args[0], rewriting);
  const write = TABLE_FUNCTIONS[name];
  if (write === undefined) throw unsupported(`table function ${name}`);
  return write(readArguments(args, rewriting), rewriting);
}

/** `[db.]INFORMATION_SCHEMA.F(...)` as the call of F. */
function informationFunction(node: Node): Fields | undefined {
  const call = fieldsIf(node, "method_call");
  const schema = fieldsIf(call?.["this"], "column");
  if (textOf(fieldsOf(schema?.["name"])["name"]).toUpperCase() !== "INFORMATION_SCHEMA")
    return undefined;
  return { name: fieldsOf(call?.["method"])["name"] ?? null, args: call?.["args"] ?? [] };
}

/** `LATERAL FLATTEN(...) f`. */
export function rewriteLateral(lateral: Fields, rewriting: Rewriting): Node | undefined {
  const text = writeTableFunction(lateral["this"] ?? null, rewriting);
  if (text === undefined) return undefined;
  const alias = textOf(lateral["alias"]);
  const isQuoted = lateral["alias_quoted"] === true;
  return raw(
    `LATERAL ${text}${alias === "" ? "" : ` AS ${quoteName(isQuoted ? alias : alias.toUpperCase())}`}`,
  );
}

/** The items of FROM: `TABLE(f(...)) [AS a]`, `VALUES ...`; everything else is left for the other rewriters. */
export function rewriteFromItem(item: Node, rewriting: Rewriting): Node {
  const [kind, fields] = openNode(item) ?? ["", {}];
  if (kind === "function") return raw(`LATERAL ${writeTableFunction(item, rewriting) ?? ""}`);
  if (kind === "values")
    return raw(writeValues(fields, fields["alias"], fields["column_aliases"], rewriting));
  const inner = fields["this"] ?? null;
  if (kind === "alias" && fieldsIf(inner, "function") !== undefined) {
    const alias = fieldsOf(rewriting.rewrite(fields["alias"] ?? null));
    const names = writeColumnAliases(rewriting.rewrite(fields["column_aliases"] ?? []));
    return raw(
      `LATERAL ${writeTableFunction(inner, rewriting) ?? ""} AS ${quoteName(textOf(alias["name"]))}${names}`,
    );
  }
  const values = kind === "subquery" ? fieldsIf(inner, "values") : undefined;
  if (values !== undefined)
    return raw(writeValues(values, fields["alias"], fields["column_aliases"], rewriting));
  return rewriting.rewrite(item);
}

/** Snowflake names the columns of VALUES COLUMN1, COLUMN2 ... */
function writeValues(
  values: Fields,
  alias: Node | undefined,
  names: Node | undefined,
  rewriting: Rewriting,
): string {
  const rows = listOf(values["expressions"]).map((row) =>
    rewriting.rewriteAll(listOf(fieldsOf(row)["expressions"])),
  );
  const written = rows.map((row) => `(${row.map(generateDuckDB).join(", ")})`).join(", ");
  const given = writeColumnAliases(rewriting.rewrite(names ?? []));
  const numbered = (rows[0] ?? []).map((_, index) => `"COLUMN${index + 1}"`).join(", ");
  const shown = textOf(fieldsOf(rewriting.rewrite(alias ?? null))["name"]) || "VALUES";
  return `(VALUES ${written}) AS ${quoteName(shown)}${given === "" ? `(${numbered})` : given}`;
}
