import { ReportError } from "../report/errors.ts";
import { readTokens } from "../report/sql-tokens.ts";

/** The names as written in snowflake/*.sql. */
export const DEFAULT_NAMES = {
  database: "REPORTING_DB",
  schema: "CONFIG",
  warehouse: "COMPUTE_WH",
  /** Of the people who set the service up and run it. */
  role: "CORTEX_USER_ROLE",
  workerRole: "REPORT_WORKER_ROLE",
  readerRole: "REPORT_READER_ROLE",
  taskRole: "REPORT_TASK_ROLE",
  userRole: "REPORT_USER_ROLE",
  serviceUser: "REPORT_SERVICE_USER",
  /** Lies in the account, not in the schema: two installations in one account need two. */
  integration: "REPORT_TRIGGER_API",
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
  const all: Readonly<Record<string, string>> = { ...DEFAULT_NAMES, ...names };
  for (const name of Object.values(all)) checkName(name);
  const byDefault = new Map(
    Object.entries(DEFAULT_NAMES).map(([of, name]) => [name as string, all[of] ?? name]),
  );
  const rename = (name: string): string => byDefault.get(name.toUpperCase()) ?? name;
  const renameAll = (code: string): string =>
    code.replace(NAMES, (match, beforeSchema?: string, database?: string, dot?: string) => {
      if (beforeSchema !== undefined) return `${beforeSchema}${rename(DEFAULT_NAMES.schema)}`;
      if (database === undefined) return rename(match);
      return `${rename(database)}${dot ?? "."}${rename(DEFAULT_NAMES.schema)}`;
    });
  return splitComments(text)
    .map(({ isComment, text }) => (isComment ? text : renameAll(text)))
    .join("");
}

const { schema: SCHEMA, database: DATABASE, ...OTHERS } = DEFAULT_NAMES;

/** All names in one pass, so that a name that is put in is not taken for another's default. */
const NAMES = new RegExp(
  `(?<![\\w$])(?:(SCHEMA\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?)${SCHEMA}|(${DATABASE})(\\s*\\.\\s*)${SCHEMA}|${DATABASE}|${Object.values(OTHERS).join("|")})(?![\\w$])`,
  "gi",
);

function checkName(name: string): void {
  if (PLAIN_NAME.test(name)) return;
  throw new ReportError(
    "configuration",
    `${JSON.stringify(name)} cannot be a name in Snowflake here: use letters, digits, _ and $`,
  );
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
