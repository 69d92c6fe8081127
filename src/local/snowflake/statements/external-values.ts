/** Values that external functions answered, as SQL and as cells. */

import type { Execution } from "../engine/execution.ts";
import { type SnowflakeType, writeType } from "../translate/snowflake-types.ts";
import { evaluateQuery } from "./evaluate.ts";

function isJson({ name }: SnowflakeType): boolean {
  return name === "VARIANT" || name === "OBJECT" || name === "ARRAY";
}

/** A value of JSON as text: a string without its quotes. */
function plainText(json: string): string {
  const value: unknown = JSON.parse(json);
  return typeof value === "string" ? value : json;
}

/** Snowflake's SQL for a value of JSON. */
export function writeLiteral(json: string, type: SnowflakeType): string {
  if (json === "null") return `NULL::${writeType(type)}`;
  const text = isJson(type) ? json : plainText(json);
  const quoted = `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
  return isJson(type) ? `PARSE_JSON(${quoted})` : `${quoted}::${writeType(type)}`;
}

/** Values as cells of the declared type. */
export async function readCells(
  values: readonly string[],
  type: SnowflakeType,
  execution: Execution,
): Promise<(string | null)[]> {
  if (values.length === 0) return [];
  if (isJson(type)) return values.map((json) => (json === "null" ? null : json));
  if (type.name === "TEXT") return values.map((json) => (json === "null" ? null : plainText(json)));
  const list = values.map(
    (json, index) => `SELECT ${index} AS N, ${writeLiteral(json, type)} AS V`,
  );
  const { rows } = await evaluateQuery(
    `SELECT V FROM (${list.join(" UNION ALL ")}) ORDER BY N`,
    execution,
  );
  return rows.map(([cell]) => cell ?? null);
}
