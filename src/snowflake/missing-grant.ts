import {
  containerPath,
  findWritten,
  isTarget,
  OWNER_VERBS,
  qualify,
  readHead,
  type Scene,
} from "./refused-statement.ts";

interface Refusal {
  /** Snowflake's code, six digits. */
  readonly code: string;
  readonly message: string;
}

/**
 * What an administrator has to run so that a refused statement works, such as
 * "GRANT SELECT ON TABLE D.S.T TO ROLE R;", after a few words that say how sure that is. Undefined for an error that
 * no grant mends. Snowflake tells an object that is not there from one that may not be seen to nobody.
 */
export function describeMissingGrant(refusal: Refusal, scene: Scene): string | undefined {
  const told = readAdvice(refusal.message);
  if (told !== undefined) return `missing: ${told}`;
  const grant = FINDERS[refusal.code]?.(refusal.message, scene);
  if (grant === undefined) return undefined;
  return CERTAIN.has(refusal.code)
    ? `missing: ${grant}`
    : `if it exists, this is missing: ${grant}`;
}

/** Newer versions of Snowflake say it themselves. */
function readAdvice(message: string): string | undefined {
  const [, role = "", privilege = "", on = ""] =
    /role (\S+) must have ([A-Z ]+?) granted\s+on ([A-Z ]+ \S+?)\.?\s*$/m.exec(
      message.replaceAll(/\s+/g, " "),
    ) ?? [];
  return privilege === "" ? undefined : `GRANT ${privilege} ON ${on} TO ROLE ${role};`;
}

type Finder = (message: string, scene: Scene) => string | undefined;

/** Codes of a refusal that says what it is about; the others may mean as well that it does not exist. */
const CERTAIN: ReadonlySet<string> = new Set([
  "003001",
  "003013",
  "003041",
  "091089",
  "390186",
  "390189",
]);

const FINDERS: Readonly<Record<string, Finder>> = {
  "002003": findUnseen,
  "002043": findUnseen,
  "002141": findUncallable,
  "003001": findInsufficient,
  "003013": findRole,
  "003041": findUnseen,
  "000606": (_message, scene) => grantNamed("USAGE", "WAREHOUSE", scene.warehouse, scene),
  "090105": (_message, scene) => grantNamed("USAGE", "DATABASE", scene.database, scene),
  "090106": (_message, scene) => grantNamed("USAGE", "SCHEMA", schemaOf(scene), scene),
  "091089": findTaskNeed,
  "390186": findRole,
  "390189": findRole,
};

function grantTo(privilege: string, on: string, { role }: Scene): string {
  return `GRANT ${privilege} ON ${on} TO ROLE ${role ?? "<role of the session>"};`;
}

function grantNamed(
  privilege: string,
  kind: string,
  name: string | undefined,
  scene: Scene,
): string | undefined {
  return name === undefined ? undefined : grantTo(privilege, `${kind} ${name}`, scene);
}

function schemaOf({ database, schema }: Scene): string | undefined {
  return database === undefined || schema === undefined ? undefined : `${database}.${schema}`;
}

function findRole(message: string, { user }: Scene): string | undefined {
  const [, role] = /role '([^']+)'/i.exec(message) ?? [];
  return role && `GRANT ROLE ${role} TO USER ${user ?? "<user>"};`;
}

/** "Cannot execute task, EXECUTE TASK privilege must be granted to owner role". */
function findTaskNeed(message: string, scene: Scene): string {
  const owner = { ...scene, role: "<owner of the task>" };
  const [, privilege] = /(EXECUTE(?: MANAGED)? TASK) privilege/.exec(message) ?? [];
  if (privilege === undefined) return grantTo("USAGE", "WAREHOUSE <warehouse of the task>", owner);
  return grantTo(privilege, "ACCOUNT", owner);
}

/** "Object 'D.S.T' does not exist or not authorized.", "Schema 'S' already exists, but current role has no privileges". */
function findUnseen(message: string, scene: Scene): string | undefined {
  const [, label = "", name = ""] =
    /(\w+) '([^']+)' (?:does not exist or not authorized|already exists, but current role)/.exec(
      message,
    ) ?? [];
  if (name === "") return undefined;
  const kind = label.toUpperCase();
  if (kind === "DATABASE" || kind === "SCHEMA" || kind === "WAREHOUSE" || kind === "INTEGRATION")
    return grantTo("USAGE", `${kind} ${kind === "SCHEMA" ? qualify(name, 2, scene) : name}`, scene);
  if (kind === "ROLE" || kind === "USER") return undefined;
  return grantOnObject(kind, name, scene);
}

/** "Insufficient privileges to operate on table 'T'". */
function findInsufficient(message: string, scene: Scene): string | undefined {
  const [, label = "", name = ""] =
    /Insufficient privileges to operate on ([\w ]+?) '([^']+)'/.exec(message) ?? [];
  const kind = label.toUpperCase();
  const { verb, kind: made } = readHead(scene.sql);
  switch (kind) {
    case "":
      return undefined;
    case "ACCOUNT":
      return grantTo(verb === "CREATE" ? `CREATE ${made}` : "MANAGE GRANTS", "ACCOUNT", scene);
    case "SCHEMA":
    case "DATABASE": {
      const depth = kind === "SCHEMA" ? 2 : 1;
      const path = verb === "CREATE" ? containerPath(scene, depth) : qualify(name, depth, scene);
      return grantTo(containerPrivilege(verb, made), `${kind} ${path}`, scene);
    }
    default:
      return grantOnObject(kind, name, scene);
  }
}

function containerPrivilege(verb: string, made: string): string {
  if (verb === "CREATE") return `CREATE ${made}`;
  return OWNER_VERBS.has(verb) ? "OWNERSHIP" : "USAGE";
}

const ACCOUNT_KINDS: ReadonlySet<string> = new Set(["WAREHOUSE", "INTEGRATION", "ROLE", "USER"]);

function grantOnObject(label: string, name: string, scene: Scene): string {
  const path = ACCOUNT_KINDS.has(label) ? name : qualify(findWritten(name, scene.sql), 3, scene);
  const kind = label === "OBJECT" ? guessKind(path, scene.sql) : label;
  const privilege = objectPrivilege(kind, name, scene.sql);
  return grantTo(privilege, `${kind} ${path}`, scene);
}

/** Who sees "Object" cannot be told what it is; but the service knows its own. */
const OWN_KINDS: Readonly<Record<string, string>> = {
  REPORT_STATUS: "VIEW",
  REPORT_METRICS_HOURLY: "VIEW",
  REPORT_COST: "VIEW",
  REPORT_CONFIG_INSERT_STREAM: "STREAM",
};

function guessKind(path: string, sql: string): string {
  const { verb, kind } = readHead(sql);
  const isNamed = OWNER_VERBS.has(verb) && kind !== "";
  return OWN_KINDS[path.split(".").at(-1)?.toUpperCase() ?? ""] ?? (isNamed ? kind : "TABLE");
}

function objectPrivilege(kind: string, name: string, sql: string): string {
  const { verb, words } = readHead(sql);
  const isSwitch = verb === "EXECUTE" || /\b(?:RESUME|SUSPEND)\b/.test(words);
  if ((kind === "TASK" || kind === "WAREHOUSE") && isSwitch) return "OPERATE";
  if (kind === "TASK" && verb === "DESCRIBE") return "MONITOR";
  if (OWNER_VERBS.has(verb)) return isPart(kind, verb, sql) ? partPrivilege(kind) : "OWNERSHIP";
  if (kind === "STAGE")
    return /^(?:COPY INTO (?:@|'')|REMOVE|RM|PUT)/.test(words) ? "WRITE" : "READ";
  if (kind === "WAREHOUSE" || kind === "INTEGRATION") return "USAGE";
  if (kind === "PROCEDURE" || kind === "FUNCTION") return "USAGE";
  return isTarget(name, sql) ? (CHANGES[verb] ?? "SELECT") : "SELECT";
}

const CHANGES: Readonly<Record<string, string>> = {
  INSERT: "INSERT",
  UPDATE: "UPDATE",
  DELETE: "DELETE",
  TRUNCATE: "TRUNCATE",
  MERGE: "SELECT, INSERT, UPDATE, DELETE",
  COPY: "INSERT",
};

/** A CREATE names things besides the new one: the table of a stream, the warehouse of a task. */
function isPart(kind: string, verb: string, sql: string): boolean {
  return verb === "CREATE" && readHead(sql).kind !== kind;
}

function partPrivilege(kind: string): string {
  return kind === "WAREHOUSE" || kind === "INTEGRATION" ? "USAGE" : "SELECT";
}

function findUncallable(message: string, scene: Scene): string | undefined {
  const [, name] = /Unknown user-defined function (\S+)/.exec(message) ?? [];
  if (name === undefined) return undefined;
  const kind = readHead(scene.sql).verb === "CALL" ? "PROCEDURE" : "FUNCTION";
  return grantTo("USAGE", `${kind} ${qualify(name, 3, scene)}(<types of its arguments>)`, scene);
}
