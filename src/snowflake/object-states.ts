import { ReportError } from "../report/errors.ts";
import type { Connection } from "./connection.ts";
import type { ResultRow } from "./rows.ts";
import type { ScriptObject } from "./script-objects.ts";

/**
 * What an object is like, as text that two moments can be compared by; null when it is not there, or cannot be seen.
 * CREATE OR REPLACE answers the same whether it changed something or not, so this is what tells.
 */
export async function readState(
  connection: Connection,
  object: ScriptObject,
): Promise<string | null> {
  try {
    return await read(connection, object);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** 002003 and its like say "does not exist or not authorized": which of the two is not told. */
export function isMissing(error: unknown): error is ReportError {
  return (
    error instanceof ReportError &&
    error.code === "query_failed" &&
    /does not exist|not authorized|insufficient privileges/i.test(error.message)
  );
}

async function read(connection: Connection, object: ScriptObject): Promise<string | null> {
  switch (object.kind) {
    case "TASK":
      return joinStates(
        await readDdl(connection, object),
        await readListed(connection, object, ["state"]),
      );
    case "TABLE":
    case "VIEW":
    case "PROCEDURE":
    case "FUNCTION":
    case "EXTERNAL FUNCTION":
      return await readDdl(connection, object);
    // GET_DDL need not know one that is stale.
    case "STREAM":
      return await readListed(connection, object, ["comment", "owner", "table_name", "mode"]);
    case "API INTEGRATION":
    case "STORAGE INTEGRATION":
      return await readRows(connection, `DESCRIBE INTEGRATION ${object.name}`);
    case "USER":
      return await readUser(connection, object.name);
    case "GRANTS":
      return await readGrants(connection, object.name);
    default:
      return await readListed(connection, object, ["comment", "owner", "type", "url"]);
  }
}

/** Both or neither: an object that only one of them shows has just been made or dropped. */
function joinStates(first: string | null, second: string | null): string | null {
  return first === null || second === null ? null : `${first}\n${second}`;
}

async function readDdl(connection: Connection, object: ScriptObject): Promise<string | null> {
  const kind = object.kind === "EXTERNAL FUNCTION" ? "FUNCTION" : object.kind;
  const name = `${object.name}${object.signature ?? ""}`.replaceAll("'", "''");
  const { rows } = await connection.execute(`SELECT GET_DDL('${kind}', '${name}') AS DDL`);
  return rows[0]?.["DDL"] ?? null;
}

/**
 * The line of SHOW for the object (in its pattern a _ stands for any character), of which some columns matter; the others
 * tell of use and of the session.
 */
async function readListed(
  connection: Connection,
  { kind, name }: ScriptObject,
  columns: readonly string[],
): Promise<string | null> {
  const path = name.split(".");
  const last = path.at(-1) ?? "";
  const within =
    path.length === 1
      ? ""
      : `IN ${path.length === 2 ? "DATABASE" : "SCHEMA"} ${path.slice(0, -1).join(".")}`;
  const { rows } = await connection.execute(`SHOW ${kind}S LIKE '${last}' ${within}`);
  const row = rows.find((found) => found["name"] === last);
  return row === undefined ? null : JSON.stringify(columns.map((column) => row[column] ?? null));
}

async function readRows(connection: Connection, sql: string): Promise<string> {
  const { rows } = await connection.execute(sql);
  return JSON.stringify(rows.map(settledColumns));
}

/** Without what changes by itself. */
function settledColumns(row: ResultRow): ResultRow {
  return Object.fromEntries(Object.entries(row).filter(([column]) => column !== "created_on"));
}

const USER_PROPERTIES = /^(?:NAME|COMMENT|TYPE|DISABLED|RSA_PUBLIC_KEY_FP|DEFAULT_|HAS_)/;

async function readUser(connection: Connection, name: string): Promise<string> {
  const { rows } = await connection.execute(`DESCRIBE USER ${name}`);
  const kept = rows.filter((row) => USER_PROPERTIES.test(row["property"] ?? ""));
  return JSON.stringify(kept.map((row) => [row["property"], row["value"]]));
}

/** `grantee` is such as "ROLE REPORT_WORKER_ROLE". A user has no future grants. */
async function readGrants(connection: Connection, grantee: string): Promise<string> {
  const held = await connection.execute(`SHOW GRANTS TO ${grantee}`);
  const future = grantee.startsWith("USER ")
    ? []
    : (await connection.execute(`SHOW FUTURE GRANTS TO ${grantee}`)).rows;
  const lines = [...held.rows.map(describeGrant), ...future.map(describeGrant)];
  return lines.toSorted().join("\n");
}

function describeGrant(row: ResultRow): string {
  return [row["privilege"], row["granted_on"] ?? row["grant_on"], row["name"], row["role"]].join(
    " ",
  );
}
