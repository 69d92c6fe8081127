/** Which statement it is, and what runs it. */

import type { EngineError, EngineResult } from "../engine.ts";
import { parseError, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { alterTable } from "./alter.ts";
import { runDml, truncateTable } from "./dml.ts";
import { callProcedure } from "./call.ts";
import { createContainer, createStream, createView } from "./create.ts";
import { commentOn, dropObject } from "./drop.ts";
import { grant } from "./grant.ts";
import { type Finish, runQuery } from "./query.ts";
import { alterSession, beginTransaction, commit, rollback, use } from "./session.ts";
import { describeObject } from "./describe.ts";
import { createExternalFunction } from "./external-function.ts";
import { alterIntegration, createIntegration, dropIntegration } from "./integration.ts";
import { createProcedure } from "./procedure.ts";
import { dropRoutine } from "./routine.ts";
import { show } from "./show.ts";
import { copyInto } from "./copy-into.ts";
import { createStage, dropStage, listStage, removeFromStage } from "./stage.ts";
import { createTable } from "./table.ts";
import { alterTask, createTask, executeTask } from "./task.ts";
import { alterUser, createUser, dropUser } from "./user.ts";
import { authorizeStatement } from "../roles/statement-needs.ts";
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
  ["CREATE PROCEDURE", "CREATE_PROCEDURE", createProcedure],
  ["DROP PROCEDURE", "DROP_PROCEDURE", (execution) => dropRoutine("procedure", execution)],
  ["DROP FUNCTION", "DROP_FUNCTION", (execution) => dropRoutine("function", execution)],
  ["CREATE EXTERNAL", "CREATE_EXTERNAL_FUNCTION", createExternalFunction],
  ["CREATE API", "CREATE_API_INTEGRATION", createIntegration],
  ["ALTER API", "ALTER_API_INTEGRATION", alterIntegration],
  ["ALTER INTEGRATION", "ALTER_API_INTEGRATION", alterIntegration],
  ["DROP API", "DROP_INTEGRATION", dropIntegration],
  ["DROP INTEGRATION", "DROP_INTEGRATION", dropIntegration],
  ["CALL", "CALL", callProcedure],
  ["CREATE TASK", "CREATE_TASK", createTask],
  ["ALTER TASK", "ALTER_TASK", alterTask],
  ["DROP TASK", "DROP_TASK", (execution) => dropObject("task", execution)],
  ["EXECUTE TASK", "EXECUTE_TASK", executeTask],
  ["CREATE DATABASE", "CREATE_DATABASE", (execution) => createContainer("database", execution)],
  ["CREATE SCHEMA", "CREATE_SCHEMA", (execution) => createContainer("schema", execution)],
  ["CREATE WAREHOUSE", "CREATE_WAREHOUSE", (execution) => createContainer("warehouse", execution)],
  ["CREATE ROLE", "CREATE_ROLE", (execution) => createContainer("role", execution)],
  ["CREATE USER", "CREATE_USER", createUser],
  ["ALTER USER", "ALTER_USER", alterUser],
  ["DROP USER", "DROP_USER", dropUser],
  ["CREATE STAGE", "CREATE_STAGE", createStage],
  ["DROP STAGE", "DROP_STAGE", dropStage],
  ["LIST", "LIST_FILES", listStage],
  ["LS", "LIST_FILES", listStage],
  ["REMOVE", "REMOVE_FILES", removeFromStage],
  ["RM", "REMOVE_FILES", removeFromStage],
  ["COPY", "UNLOAD", copyInto],
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

const QUERY: StatementKind = {
  type: "SELECT",
  isQuery: true,
  run: async (execution, finish) => {
    authorizeStatement(execution);
    return await runQuery(execution, finish);
  },
};

/** Words between CREATE and what is made. */
const MODIFIERS: ReadonlySet<string> = new Set([
  "OR",
  "REPLACE",
  "ALTER",
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
  authorizeStatement(execution);
  const result = await run(execution);
  finish(null);
  return result;
}
