/** Which statement it is, and what runs it. */

import type { EngineError, EngineResult } from "../engine.ts";
import { parseError, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { alterTable } from "./alter.ts";
import { runDml, truncateTable } from "./dml.ts";
import { createContainer, createStream, createView } from "./create.ts";
import { commentOn, dropObject, grant } from "./drop.ts";
import { type Finish, runQuery } from "./query.ts";
import { alterSession, beginTransaction, commit, rollback, use } from "./session.ts";
import { describeObject } from "./describe.ts";
import { show } from "./show.ts";
import { createTable } from "./table.ts";
import { readTokens } from "../translate/tokens.ts";

type Run = (execution: Execution) => EngineResult | Promise<EngineResult>;

export interface StatementKind {
  /** As QUERY_HISTORY has it. */
  readonly type: string;
  /** Whether it can be described without being run. */
  readonly isQuery: boolean;
  readonly run: (execution: Execution, finish: Finish) => Promise<EngineResult>;
}

const COMMANDS: readonly (readonly [words: string, type: string, run: Run])[] = [
  ["INSERT", "INSERT", (execution) => runDml("insert", execution)],
  ["UPDATE", "UPDATE", (execution) => runDml("update", execution)],
  ["DELETE", "DELETE", (execution) => runDml("delete", execution)],
  ["MERGE", "MERGE", (execution) => runDml("merge", execution)],
  ["TRUNCATE", "TRUNCATE_TABLE", truncateTable],
  ["CREATE TABLE", "CREATE_TABLE", createTable],
  ["CREATE VIEW", "CREATE_VIEW", createView],
  ["CREATE STREAM", "CREATE_STREAM", createStream],
  ["CREATE DATABASE", "CREATE_DATABASE", (execution) => createContainer("database", execution)],
  ["CREATE SCHEMA", "CREATE_SCHEMA", (execution) => createContainer("schema", execution)],
  ["CREATE WAREHOUSE", "CREATE_WAREHOUSE", (execution) => createContainer("warehouse", execution)],
  ["CREATE ROLE", "CREATE_ROLE", (execution) => createContainer("role", execution)],
  ["DROP TABLE", "DROP_TABLE", (execution) => dropObject("table", execution)],
  ["DROP VIEW", "DROP_VIEW", (execution) => dropObject("view", execution)],
  ["DROP STREAM", "DROP_STREAM", (execution) => dropObject("stream", execution)],
  ["DROP DATABASE", "DROP_DATABASE", (execution) => dropObject("database", execution)],
  ["DROP SCHEMA", "DROP_SCHEMA", (execution) => dropObject("schema", execution)],
  ["DROP WAREHOUSE", "DROP_WAREHOUSE", (execution) => dropObject("warehouse", execution)],
  ["DROP ROLE", "DROP_ROLE", (execution) => dropObject("role", execution)],
  ["ALTER TABLE", "ALTER_TABLE", alterTable],
  ["ALTER SESSION", "ALTER_SESSION", alterSession],
  ["COMMENT", "COMMENT", commentOn],
  ["GRANT", "GRANT", grant],
  ["REVOKE", "REVOKE", grant],
  ["USE", "USE", use],
  ["BEGIN", "BEGIN_TRANSACTION", beginTransaction],
  ["START TRANSACTION", "BEGIN_TRANSACTION", beginTransaction],
  ["COMMIT", "COMMIT", commit],
  ["ROLLBACK", "ROLLBACK", rollback],
  ["SHOW", "SHOW", show],
  ["DESCRIBE", "DESCRIBE", describeObject],
  ["DESC", "DESCRIBE", describeObject],
];

const DML_TYPES: ReadonlySet<string> = new Set([
  "INSERT",
  "UPDATE",
  "DELETE",
  "MERGE",
  "SHOW",
  "DESCRIBE",
]);

const QUERY: StatementKind = { type: "SELECT", isQuery: true, run: runQuery };

/** Words between CREATE and what is made. */
const MODIFIERS: ReadonlySet<string> = new Set([
  "OR",
  "REPLACE",
  "TEMPORARY",
  "TEMP",
  "VOLATILE",
  "TRANSIENT",
  "LOCAL",
  "GLOBAL",
  "SECURE",
  "RECURSIVE",
]);

/** Throws EngineError for a statement that is not known here, and names it. */
export function findStatement(sql: string): StatementKind {
  const words = readTokens(sql)
    .slice(0, 8)
    .map((token) => (token.kind === "word" || token.text === "(" ? token.value : ""))
    .filter((word, index) => index === 0 || !MODIFIERS.has(word));
  const [first = "", second = ""] = words;
  const isWait = first === "CALL" && second === "SYSTEM$WAIT";
  if (["SELECT", "WITH", "(", "VALUES"].includes(first) || isWait) return QUERY;
  const found = COMMANDS.find(([command]) => command === first || command === `${first} ${second}`);
  if (found === undefined) throw unknownStatement(first, second);
  const [, type, run] = found;
  return {
    type,
    isQuery: DML_TYPES.has(type),
    run: (execution, finish) => runAndFinish(run, execution, finish),
  };
}

/** Words that begin a statement of Snowflake which is not known here; any other first word is a mistake. */
const OTHER_VERBS =
  /^(?:ALTER|CALL|COPY|CREATE|DECLARE|DROP|EXECUTE|EXPLAIN|GET|LIST|LS|PUT|REMOVE|RM|SET|UNDROP|UNSET)$/;

function unknownStatement(first: string, second: string): EngineError {
  return OTHER_VERBS.test(first)
    ? unsupported(`${first} ${second}`.trim())
    : parseError(`line 1 at position 0 unexpected '${first}'.`);
}

/** These have done all their work when they answer. */
async function runAndFinish(run: Run, execution: Execution, finish: Finish): Promise<EngineResult> {
  const result = await run(execution);
  finish(null);
  return result;
}
