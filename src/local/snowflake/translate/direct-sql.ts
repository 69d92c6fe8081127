/** DuckDB's own SQL with Snowflake's names in it. */

import { type Catalog, storageSchema } from "../engine/catalog.ts";
import { readTokens, type Token } from "./tokens.ts";
import { storageName } from "../engine/storage.ts";

/** Replaces `DATABASE.SCHEMA.TABLE`, where there is such a schema, with the name that DuckDB has for the table. */
export function placeTables(sql: string, catalog: Catalog): string {
  const tokens = readTokens(sql, "duckdb");
  let text = "";
  let end = 0;
  for (let index = 0; index < tokens.length; index++) {
    const path = pathAt(tokens, index);
    const last = tokens[index + 4];
    if (
      path === undefined ||
      last === undefined ||
      catalog.container("schema", path.slice(0, 2)) === undefined
    )
      continue;
    text += sql.slice(end, tokens[index]?.start) + storageName(storageSchema(path), path[2] ?? "");
    end = last.end;
    index += 4;
  }
  return text + sql.slice(end);
}

function pathAt(tokens: readonly Token[], index: number): string[] | undefined {
  const parts = tokens.slice(index, index + 5);
  const isPath =
    parts.length === 5 &&
    parts.every((token, offset) =>
      offset % 2 === 1 ? token.text === "." : /^(?:word|quoted)$/.test(token.kind),
    );
  return isPath ? [0, 2, 4].map((offset) => parts[offset]?.value ?? "") : undefined;
}
