/** SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY: the last statements, kept in memory. */

import type { EngineError } from "../engine.ts";

export interface HistoryEntry {
  readonly QUERY_ID: string;
  readonly QUERY_TEXT: string;
  QUERY_TYPE: string;
  readonly DATABASE_NAME: string | null;
  readonly SCHEMA_NAME: string | null;
  readonly SESSION_ID: string;
  readonly USER_NAME: string;
  readonly ROLE_NAME: string | null;
  readonly WAREHOUSE_NAME: string | null;
  readonly QUERY_TAG: string;
  EXECUTION_STATUS: "RUNNING" | "SUCCESS" | "FAIL" | "INCIDENT";
  ERROR_CODE: string | null;
  ERROR_MESSAGE: string | null;
  readonly START_TIME: string;
  END_TIME: string | null;
  TOTAL_ELAPSED_TIME: number;
  ROWS_PRODUCED: number | null;
}

const HISTORY_MAX = 10_000;

const COLUMNS = {
  QUERY_ID: "VARCHAR",
  QUERY_TEXT: "VARCHAR",
  QUERY_TYPE: "VARCHAR",
  DATABASE_NAME: "VARCHAR",
  SCHEMA_NAME: "VARCHAR",
  SESSION_ID: "DECIMAL(38,0)",
  USER_NAME: "VARCHAR",
  ROLE_NAME: "VARCHAR",
  WAREHOUSE_NAME: "VARCHAR",
  QUERY_TAG: "VARCHAR",
  EXECUTION_STATUS: "VARCHAR",
  ERROR_CODE: "VARCHAR",
  ERROR_MESSAGE: "VARCHAR",
  START_TIME: "TIMESTAMPTZ",
  END_TIME: "TIMESTAMPTZ",
  TOTAL_ELAPSED_TIME: "DECIMAL(38,0)",
  ROWS_PRODUCED: "DECIMAL(38,0)",
} as const satisfies Record<keyof HistoryEntry, string>;

export class History {
  private entries: HistoryEntry[] = [];

  add(entry: HistoryEntry): void {
    this.entries.push(entry);
    if (this.entries.length > HISTORY_MAX * 1.1) this.entries = this.entries.slice(-HISTORY_MAX);
  }

  find(queryId: string): HistoryEntry | undefined {
    return this.entries.findLast((entry) => entry.QUERY_ID === queryId);
  }

  /** Notes how a statement ended. */
  finish(
    entry: HistoryEntry,
    startedAtMs: number,
    rowCount: number | null,
    error: EngineError | undefined,
  ): void {
    entry.EXECUTION_STATUS = error === undefined ? "SUCCESS" : "FAIL";
    entry.ERROR_CODE = error?.code ?? null;
    entry.ERROR_MESSAGE = error?.message ?? null;
    entry.ROWS_PRODUCED = rowCount;
    entry.END_TIME = new Date().toISOString();
    entry.TOTAL_ELAPSED_TIME = Date.now() - startedAtMs;
  }

  /** DuckDB's SELECT of the view QUERY_HISTORY. */
  selectQueries(): string {
    return selectJson(this.entries.slice(-HISTORY_MAX), COLUMNS);
  }

  /** DuckDB's SELECT of the view QUERY_ATTRIBUTION_HISTORY: an XS warehouse costs one credit an hour. */
  selectAttributions(): string {
    return `SELECT QUERY_ID, WAREHOUSE_NAME, USER_NAME, QUERY_TAG, START_TIME, END_TIME,
      TOTAL_ELAPSED_TIME / 3600000.0 AS CREDITS_ATTRIBUTED_COMPUTE
      FROM (${this.selectQueries()}) WHERE END_TIME IS NOT NULL`;
  }
}

/** DuckDB's SELECT of rows that are at hand. */
export function selectJson(
  rows: readonly object[],
  columns: Readonly<Record<string, string>>,
): string {
  const json = JSON.stringify(rows).replaceAll("'", "''");
  const structure = JSON.stringify([columns]).replaceAll("'", "''");
  const names = Object.keys(columns).map((name) => `r.${name} AS "${name}"`);
  return `SELECT ${names.join(", ")} FROM (SELECT unnest(from_json('${json}', '${structure}')) AS r)`;
}
