/** SHOW STREAMS and DESCRIBE STREAM. Source: docs.snowflake.com/en/sql-reference/sql/show-streams. */

import { completePath, fullName, type StreamEntry } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import { doesNotExist } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { namesOf } from "../translate/context.ts";
import type { TokenReader } from "../translate/tokens.ts";
import { answerColumns, type Column, readScope, seconds, visible } from "./show-scope.ts";

/** What Snowflake shows for the table of a stream that has none any more. */
const NO_TABLE = "No privilege or table dropped";
/** MAX_DATA_EXTENSION_TIME_IN_DAYS is 14 unless it is set. */
const EXTENSION_MS = 14 * 86_400_000;

const COLUMNS: readonly Column<StreamEntry>[] = [
  ["created_on", true, (stream) => seconds(stream.createdAtMs)],
  ["name", false, (stream) => stream.path[2]],
  ["database_name", false, (stream) => stream.path[0]],
  ["schema_name", false, (stream) => stream.path[1]],
  ["owner", false, (stream) => stream.owner],
  ["comment", false, (stream) => stream.comment],
  ["table_name", false, tableOf],
  ["source_type", false, () => "Table"],
  ["base_tables", false, tableOf],
  ["type", false, () => "DELTA"],
  ["stale", false, (stream) => String(stream.staleAtMs !== undefined)],
  ["mode", false, () => "APPEND_ONLY"],
  ["stale_after", true, staleAfter],
  ["invalid_reason", false, () => "N/A"],
  ["owner_role_type", false, () => "ROLE"],
];

function tableOf(stream: StreamEntry): string {
  return stream.staleAtMs === undefined ? fullName(stream.table) : NO_TABLE;
}

/** The rows of a stream are kept here until they are read, so the day that they are lost is always to come. */
function staleAfter({ staleAtMs }: StreamEntry): string {
  return seconds(staleAtMs ?? Date.now() + EXTENSION_MS);
}

export function showStreams(reader: TokenReader, execution: Execution): EngineResult {
  const scope = readScope(reader, execution);
  return answerColumns(
    COLUMNS,
    visible(execution.server.storage.catalog.list("stream"), scope, execution),
  );
}

export function describeStream(reader: TokenReader, execution: Execution): EngineResult {
  const names = namesOf(execution);
  const path = completePath(reader.path(), names);
  reader.expectEnd();
  const entry = execution.server.storage.catalog.find(path, names.session);
  if (entry?.kind !== "stream") throw doesNotExist("Stream", fullName(path));
  return answerColumns(COLUMNS, [entry]);
}
