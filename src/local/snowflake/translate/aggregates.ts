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
import { HIDDEN } from "./functions.ts";

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
    joinGroup({
      value: fields["this"] ?? null,
      separator: fields["separator"] ?? null,
      distinct: fields["distinct"] === true,
      order: "",
    }),
};

function collect(fields: Fields, order: string): Node {
  const value = generateDuckDB(fields["this"] ?? null);
  const distinct = fields["distinct"] === true ? "DISTINCT " : "";
  return raw(
    `coalesce(to_json(list(${distinct}${value}${order}) FILTER (WHERE ${value} IS NOT NULL)), CAST('[]' AS JSON))`,
  );
}

interface Joining {
  readonly value: Node;
  readonly separator: Node;
  readonly distinct: boolean;
  /** ORDER BY, with its words. */
  readonly order: string;
}

/** LISTAGG without what an OVER could not follow. */
function joinTexts({ value, separator, distinct, order }: Joining): string {
  const between = separator === null ? "''" : generateDuckDB(separator);
  if (!distinct)
    return `string_agg(${generateDuckDB(macro("sf_text", value))}, ${between}${order})`;
  // Values are told apart and sorted as what they are, and only then become text.
  const text = generateDuckDB(value);
  const values = `list(DISTINCT ${text}${order}) FILTER (WHERE ${text} IS NOT NULL)`;
  return `array_to_string(list_transform(${values}, lambda e: sf_text(e)), ${between})`;
}

/** LISTAGG of a group without a value is '', never NULL. */
function joinGroup(joining: Joining): Node {
  return raw(`coalesce(${joinTexts(joining)}, '')`);
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
  if (aggregate.name === "LISTAGG") return joinGroup(joiningOf(aggregate, args, orderText));
  if (aggregate.name === "ARRAY_AGG")
    return collect({ this: args[0] ?? null, distinct: aggregate.distinct }, orderText);
  return percentile(aggregate.name, args[0] ?? null, fieldsOf(order[0]), rewriting);
}

function joiningOf({ distinct }: Aggregate, args: readonly Node[], order: string): Joining {
  return { value: args[0] ?? null, separator: args[1] ?? null, distinct, order };
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
  if (aggregate?.name === "LISTAGG")
    return over(raw(joinTexts(joiningOf(aggregate, rewriting.rewriteAll(aggregate.args), ""))));
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
  if (aggregate?.name === "LISTAGG") {
    const order = writeOrder(listOf(group["order_by"]), rewriting);
    return over(raw(joinTexts(joiningOf(aggregate, rewriting.rewriteAll(aggregate.args), order))));
  }
  return over(rewriting.rewrite({ within_group: group }));
}
