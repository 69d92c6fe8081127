/** Aggregates and windows. */

import { macro, type Rewriter, type Rewriting } from "./rewriting.ts";
import {
  call,
  castTo,
  type Fields,
  fieldsIf,
  fieldsOf,
  generateDuckDB,
  isFields,
  listOf,
  type Node,
  openNode,
  raw,
  textLiteral,
  textOf,
} from "./sql-ast.ts";
import { HIDDEN } from "./translate-functions.ts";

/** AVG of a NUMBER is a NUMBER: the sum by the count, as Snowflake divides. */
function average(fields: Fields, wrap: (aggregate: Node) => Node = (aggregate) => aggregate): Node {
  const sum = wrap({ sum: { ...fields, name: "SUM" } });
  const { name: _name, ...common } = fields;
  const count = wrap({ count: { ...common, star: false, original_name: "COUNT" } });
  return call("sf_div", sum, call("nullif", count, raw("0")));
}

export const AGGREGATE_REWRITERS: Readonly<Record<string, Rewriter>> = {
  avg: (fields) => average(fields),
  sum: (fields) => {
    const variant = fieldsIf(fields["this"], "function")?.["name"] === "json_extract";
    return variant
      ? { sum: { ...fields, this: castTo(fields["this"] ?? null, "DOUBLE") } }
      : undefined;
  },
  array_agg: (fields) => collect(fields, ""),
  list_agg: (fields) =>
    joinTexts(fields["this"] ?? null, fields["separator"] ?? null, fields["distinct"] === true, ""),
};

function collect(fields: Fields, order: string): Node {
  const value = generateDuckDB(fields["this"] ?? null);
  const distinct = fields["distinct"] === true ? "DISTINCT " : "";
  return raw(
    `coalesce(to_json(list(${distinct}${value}${order}) FILTER (WHERE ${value} IS NOT NULL)), CAST('[]' AS JSON))`,
  );
}

function joinTexts(value: Node, separator: Node, distinct: boolean, order: string): Node {
  const text = generateDuckDB(macro("sf_text", value));
  const between = separator === null ? "''" : generateDuckDB(separator);
  // Snowflake gives '' for a group without a value, never NULL.
  const aggregate = `string_agg(${distinct ? "DISTINCT " : ""}${text}, ${between}${order.replaceAll("%value%", text)})`;
  return raw(aggregate);
}

/** ORDER BY of a WITHIN GROUP, rewritten. */
function writeOrder(items: readonly Node[], rewriting: Rewriting): string {
  const written = items.map((item) => {
    const fields = fieldsOf(item);
    const isDescending = fields["desc"] === true;
    const nulls = fields["nulls_first"];
    const placed = typeof nulls === "boolean" ? nulls : isDescending;
    return `${generateDuckDB(rewriting.rewrite(fields["this"] ?? null))}${isDescending ? " DESC" : ""} NULLS ${placed ? "FIRST" : "LAST"}`;
  });
  return written.length === 0 ? "" : ` ORDER BY ${written.join(", ")}`;
}

interface Aggregate {
  readonly name: string;
  readonly args: readonly Node[];
  readonly distinct: boolean;
}

function openAggregate(node: Node | undefined): Aggregate | undefined {
  const [kind, fields] = openNode(node) ?? ["", {}];
  const distinct = fields["distinct"] === true;
  if (kind === "list_agg")
    return {
      name: "LISTAGG",
      args: [fields["this"] ?? null, fields["separator"] ?? textLiteral("")],
      distinct,
    };
  if (kind === "array_agg") return { name: "ARRAY_AGG", args: [fields["this"] ?? null], distinct };
  if (kind !== "function" && kind !== "aggregate_function") return undefined;
  return {
    name: textOf(fields["name"]).toUpperCase().replace(HIDDEN, ""),
    args: listOf(fields["args"]),
    distinct,
  };
}

/** `f(...) WITHIN GROUP (ORDER BY ...)`. */
export function rewriteWithinGroup(fields: Fields, rewriting: Rewriting): Node | undefined {
  const aggregate = openAggregate(fields["this"]);
  if (aggregate === undefined) return undefined;
  const order = listOf(fields["order_by"]);
  const args = rewriting.rewriteAll(aggregate.args);
  const orderText = writeOrder(order, rewriting);
  if (aggregate.name === "LISTAGG")
    return joinTexts(args[0] ?? null, args[1] ?? null, aggregate.distinct, orderText);
  if (aggregate.name === "ARRAY_AGG")
    return collect({ this: args[0] ?? null, distinct: aggregate.distinct }, orderText);
  return percentile(aggregate.name, args[0] ?? null, fieldsOf(order[0]), rewriting);
}

/** PERCENTILE_CONT of a NUMBER has three more digits behind the point; PERCENTILE_DISC gives one of the values. */
function percentile(
  name: string,
  fraction: Node,
  order: Fields,
  rewriting: Rewriting,
): Node | undefined {
  const isContinuous = name === "PERCENTILE_CONT";
  if (!isContinuous && name !== "PERCENTILE_DISC") return undefined;
  const value = generateDuckDB(rewriting.rewrite(order["this"] ?? null));
  const share = generateDuckDB(fraction);
  const from = order["desc"] === true ? `1 - ${share}` : share;
  if (!isContinuous) return raw(`quantile_disc(${value}, ${from})`);
  return raw(
    `cast_to_type(quantile_cont(CAST(${value} AS DOUBLE), ${from}), any_value(${value}) * 1.000)`,
  );
}

/** `f(...) OVER (...)`: what becomes an expression of several aggregates needs the window at each of them. */
export function rewriteWindow(fields: Fields, rewriting: Rewriting): Node | undefined {
  const over = (aggregate: Node): Node => ({ window_function: { ...rest, this: aggregate } });
  const { this: inner = null, ...original } = fields;
  const rest = fieldsOf(rewriting.rewrite(original));
  const mean = fieldsIf(inner, "avg");
  if (mean !== undefined) return average(fieldsOf(rewriting.rewrite(mean)), over);
  const aggregate = openAggregate(inner);
  if (aggregate?.name === "RATIO_TO_REPORT") {
    const value = rewriting.rewrite(aggregate.args[0] ?? null);
    return macro("sf_div", value, over(call("sum", value)));
  }
  const group = fieldsIf(inner, "within_group");
  if (group !== undefined) return windowOfGroup(group, over, rewriting);
  return windowOfVariants(aggregate, over, rewriting);
}

function windowOfVariants(
  aggregate: Aggregate | undefined,
  over: (node: Node) => Node,
  rewriting: Rewriting,
): Node | undefined {
  if (aggregate?.name === "ARRAY_AGG")
    return call("to_json", over(call("list", rewriting.rewrite(aggregate.args[0] ?? null))));
  return undefined;
}

/** The aggregate's text stands alone here, so that OVER can follow it. */
function windowOfGroup(
  group: Fields,
  over: (node: Node) => Node,
  rewriting: Rewriting,
): Node | undefined {
  const aggregate = openAggregate(group["this"]);
  const [first] = listOf(group["order_by"]);
  if (aggregate?.name === "PERCENTILE_CONT" && isFields(first)) {
    const value = castTo(rewriting.rewrite(first["this"] ?? null), "DOUBLE");
    return over(call("quantile_cont", value, rewriting.rewrite(aggregate.args[0] ?? null)));
  }
  return over(rewriting.rewrite({ within_group: group }));
}
