/**
 * The requests that an external function's call makes.
 * Source: docs.snowflake.com/en/sql-reference/external-functions-data-format, and an event of API Gateway with the
 * headers of a real call (User-Agent, batch ids like "01b02bdf-0001-7b58-0003-27d60056b5a6:1:1:0:0").
 */

import { deflateSync, gzipSync } from "node:zlib";
import type { Cells } from "../cells.ts";
import type { ResultColumn } from "../../engine.ts";
import { type ExternalFunctionEntry, writeTypeName } from "../routines.ts";
import { writeType } from "../../translate/snowflake-types.ts";

/** What CONTEXT_HEADERS may name. */
export const CONTEXT_FUNCTIONS: ReadonlySet<string> = new Set([
  "CURRENT_ACCOUNT",
  "CURRENT_CLIENT",
  "CURRENT_DATABASE",
  "CURRENT_DATE",
  "CURRENT_REGION",
  "CURRENT_ROLE",
  "CURRENT_SCHEMA",
  "CURRENT_SCHEMAS",
  "CURRENT_SESSION",
  "CURRENT_STATEMENT",
  "CURRENT_TIMESTAMP",
  "CURRENT_TRANSACTION",
  "CURRENT_USER",
  "CURRENT_VERSION",
  "CURRENT_WAREHOUSE",
  "LAST_QUERY_ID",
]);

/** Rows of one call, and where they come from. */
export interface Batch {
  readonly queryId: string;
  /** The same for every try, so that the service can tell a repeated one. */
  readonly id: string;
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly Cells[];
  /** Values of the context functions by name. */
  readonly contextValues: Readonly<Record<string, string | null>>;
}

export function writeHeaders(entry: ExternalFunctionEntry, batch: Batch, apiKey: string): Headers {
  const headers = new Headers({
    "content-type": "application/json",
    "accept-encoding": "gzip",
    "user-agent": "snowflake/1.0",
    "sf-external-function-format": "json",
    "sf-external-function-format-version": "1.0",
    "sf-external-function-current-query-id": batch.queryId,
    "sf-external-function-query-batch-id": batch.id,
  });
  const signature = entry.arguments.map(({ name, type }) => `${name} ${writeTypeName(type)}`);
  setTwice(headers, "sf-external-function-name", entry.path[2]);
  setTwice(headers, "sf-external-function-signature", `(${signature.join(", ")})`);
  setTwice(headers, "sf-external-function-return-type", writeType(entry.returns.type));
  for (const [name, value] of entry.headers) headers.set(`sf-custom-${name}`, value);
  for (const name of entry.contextHeaders) {
    const header = `sf-context-${name.toLowerCase().replaceAll("_", "-")}`;
    setTwice(headers, header, batch.contextValues[name] ?? "");
  }
  if (apiKey !== "") headers.set("x-api-key", apiKey);
  return headers;
}

/** As it is, with blanks for what a header cannot hold, and in base64. */
function setTwice(headers: Headers, name: string, value: string): void {
  headers.set(name, value.replace(/[^\x20-\x7e]/g, " "));
  headers.set(`${name}-base64`, Buffer.from(value).toString("base64"));
}

/** `{"data":[[0,"argument"],[1,...]]}`; numbers keep all their digits. */
export function writeBody({ columns, rows }: Batch): string {
  const lines = rows.map((cells, row) => {
    const values = columns.map((column, index) => writeValue(cells[index] ?? null, column));
    return `[${[row, ...values].join(",")}]`;
  });
  return `{"data":[${lines.join(",")}]}`;
}

function writeValue(cell: string | null, { type }: ResultColumn): string {
  if (cell === null) return "null";
  switch (type) {
    case "fixed":
      return cell;
    case "real":
      return Number.isFinite(Number(cell)) ? cell : JSON.stringify(cell);
    case "boolean":
      return cell === "1" ? "true" : "false";
    case "variant":
    case "object":
    case "array":
      return cell;
    default:
      return JSON.stringify(cell);
  }
}

/** Compresses the body as the function says; AUTO is gzip on AWS. */
export function compressBody(
  text: string,
  { compression }: ExternalFunctionEntry,
  headers: Headers,
): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(text);
  if (compression === "NONE") return bytes;
  const isDeflate = compression === "DEFLATE";
  headers.set("content-encoding", isDeflate ? "deflate" : "gzip");
  return new Uint8Array(isDeflate ? deflateSync(bytes) : gzipSync(bytes));
}
