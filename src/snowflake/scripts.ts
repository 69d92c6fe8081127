import { asReportError, ReportError } from "../report/errors.ts";
import { type ScriptStatement, splitStatements } from "../report/script.ts";
import { readTokens } from "../report/sql-tokens.ts";
import type { Connection, StatementResult } from "./connection.ts";

/** The names as written in snowflake/*.sql. */
export const DEFAULT_NAMES = {
  database: "REPORTING_DB",
  schema: "CONFIG",
  warehouse: "COMPUTE_WH",
  role: "CORTEX_USER_ROLE",
} as const;

/** The names that an installation uses instead; what is left out keeps its default. */
export type ScriptNames = Readonly<Partial<Record<keyof typeof DEFAULT_NAMES, string>>>;

export interface Script {
  /** Such as "01_enhanced_config_table.sql"; in messages. */
  readonly name: string;
  readonly text: string;
}

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_$]*$/;

/**
 * The script with an installation's names. A default name is replaced as a whole word everywhere but in comments:
 * also in strings and $$ bodies, where procedures and SYSTEM$ functions hold names as text. The schema's, an everyday
 * word, only behind the database's name and a dot, or behind SCHEMA [IF NOT EXISTS].
 * Throws ReportError `configuration` for a name that would have to be quoted.
 */
export function renderScript(text: string, names: ScriptNames): string {
  const { database, schema, warehouse, role } = { ...DEFAULT_NAMES, ...names };
  for (const name of [database, schema, warehouse, role]) checkName(name);
  const replacements: readonly (readonly [RegExp, string])[] = [
    [
      wholeWord(`(SCHEMA\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?)${DEFAULT_NAMES.schema}`),
      `$1${escape(schema)}`,
    ],
    [
      wholeWord(`${DEFAULT_NAMES.database}(\\s*\\.\\s*)${DEFAULT_NAMES.schema}`),
      `${escape(database)}$1${escape(schema)}`,
    ],
    [wholeWord(DEFAULT_NAMES.database), escape(database)],
    [wholeWord(DEFAULT_NAMES.warehouse), escape(warehouse)],
    [wholeWord(DEFAULT_NAMES.role), escape(role)],
  ];
  return splitComments(text)
    .map(({ isComment, text }) => (isComment ? text : replaceAll(text, replacements)))
    .join("");
}

function checkName(name: string): void {
  if (PLAIN_NAME.test(name)) return;
  throw new ReportError(
    "configuration",
    `${JSON.stringify(name)} cannot be a name in Snowflake here: use letters, digits, _ and $`,
  );
}

function wholeWord(pattern: string): RegExp {
  return new RegExp(`(?<![\\w$])${pattern}(?![\\w$])`, "gi");
}

/** A $ in a name is no group reference. */
function escape(name: string): string {
  return name.replaceAll("$", "$$$$");
}

function replaceAll(text: string, replacements: readonly (readonly [RegExp, string])[]): string {
  return replacements.reduce((result, [pattern, name]) => result.replace(pattern, name), text);
}

interface Stretch {
  readonly isComment: boolean;
  readonly text: string;
}

function splitComments(text: string): Stretch[] {
  const stretches: Stretch[] = [];
  let code = "";
  for (const token of readTokens(text)) {
    if (token.kind !== "comment") {
      code += token.text;
      continue;
    }
    stretches.push({ isComment: false, text: code }, { isComment: true, text: token.text });
    code = "";
  }
  return [...stretches, { isComment: false, text: code }];
}

export type StatementStatus = "created" | "unchanged" | "changed";

export interface ScriptProgress {
  readonly script: string;
  /** 1-based line of the statement in its script. */
  readonly line: number;
  /** The statement's first line. */
  readonly statement: string;
  readonly status: StatementStatus;
  /** What Snowflake answered, such as "Table REPORT_CONFIG successfully created." */
  readonly message: string;
}

/**
 * Runs the scripts in order, statement by statement; each is told of when it is done. Made to be run again: the
 * scripts create only what is not there. Stops at the first error with a ReportError that names the script, the line
 * and the statement.
 */
export async function applyScripts(
  connection: Connection,
  scripts: readonly Script[],
  onStatement: (progress: ScriptProgress) => void,
): Promise<void> {
  for (const script of scripts) {
    for (const statement of readScript(script)) {
      const result = await runStatement(connection, script, statement);
      onStatement({
        script: script.name,
        line: statement.line,
        statement: firstLine(statement.text),
        ...describeResult(statement.text, result),
      });
    }
  }
}

function readScript(script: Script): ScriptStatement[] {
  try {
    return splitStatements(script.text);
  } catch (error) {
    const { code, message } = asReportError(error);
    throw new ReportError(code, `${script.name}, ${message}`, { cause: error });
  }
}

async function runStatement(
  connection: Connection,
  script: Script,
  statement: ScriptStatement,
): Promise<StatementResult> {
  try {
    return await connection.execute(statement.text);
  } catch (error) {
    const { code, message, warehouse, retryable } = asReportError(error);
    const where = `${script.name}, line ${statement.line}, ${firstLine(statement.text)}`;
    throw new ReportError(code, `${where}: ${message}`, { cause: error, warehouse, retryable });
  }
}

const FIRST_LINE_MAX = 100;

function firstLine(text: string): string {
  const line = text.split("\n", 1).join("").trimEnd();
  return line.length <= FIRST_LINE_MAX ? line : `${line.slice(0, FIRST_LINE_MAX - 3)}...`;
}

/** A DDL statement answers one row with the column "status"; DML one with counts; others rows of their own. */
function describeResult(
  sql: string,
  result: StatementResult,
): { status: StatementStatus; message: string } {
  const [row = {}] = result.rows;
  const status = row["status"];
  if (typeof status === "string") {
    const isOfSession = /^(?:USE|SET|UNSET|ALTER\s+SESSION)\b/i.test(sql);
    return { status: isOfSession ? "unchanged" : statusOf(status), message: status };
  }
  const isDml = Object.keys(row).some((name) => name.startsWith("number of rows "));
  const message = isDml ? `${result.rowsAffected} rows` : `${result.rows.length} rows read`;
  return { status: result.rowsAffected > 0 ? "changed" : "unchanged", message };
}

/** Such as "X already exists, statement succeeded." and "Table X successfully created." */
function statusOf(message: string): StatementStatus {
  if (/already exists|no changes|does not exist or was already dropped/i.test(message))
    return "unchanged";
  return /successfully created/i.test(message) ? "created" : "changed";
}
