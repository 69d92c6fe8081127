import { ReportError } from "../report/errors.ts";
import type { Connection } from "./connection.ts";
import { type ExpectedObject, readExpected, typeFamily } from "./expected-schema.ts";
import { isMissing } from "./object-states.ts";
import { type ResultRow, textOf } from "./rows.ts";
import { DEFAULT_NAMES, type Script, type ScriptNames } from "./scripts.ts";

/** Begins the comment of everything that the scripts replace, so that they replace nothing of anybody else's. */
const MARK = "Enhanced Report Service";

/**
 * Looks at the schema before the scripts touch it. Gives back what they will find: an older version, or one that was applied
 * in part. Throws ReportError `configuration`, naming each object, when something there has a name that the scripts need but is
 * not what they made: they would leave a table as it is, which then does not fit, or replace somebody's view or procedure.
 */
export async function checkSchema(
  connection: Connection,
  scripts: readonly Script[],
  names: ScriptNames,
): Promise<string[]> {
  const { database, schema } = { ...DEFAULT_NAMES, ...names };
  const expected = readExpected(scripts);
  const found = await readFound(connection, database.toUpperCase(), schema.toUpperCase(), expected);
  const problems = expected.flatMap((object) => findProblem(object, found));
  if (problems.length > 0) throw foreignSchema(`${database}.${schema}`, problems);
  return describeFound(expected, found);
}

interface FoundObject {
  readonly kind: string;
  readonly name: string;
  readonly comment: string;
  /** Of a stream: APPEND_ONLY REPORT_CONFIG and the like. */
  readonly source: string;
  /** Of a stream: it cannot be read any more, and need not name its table. */
  readonly isStale: boolean;
  readonly columns: ReadonlyMap<string, FoundColumn>;
}

interface FoundColumn {
  readonly type: string;
  /** An INSERT that does not name it fails. */
  readonly isRequired: boolean;
}

async function readFound(
  connection: Connection,
  database: string,
  schema: string,
  expected: readonly ExpectedObject[],
): Promise<FoundObject[]> {
  const rows = async (sql: string): Promise<ResultRow[]> => {
    try {
      return (await connection.execute(sql)).rows;
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  };
  const relations = await rows(
    `SELECT TABLE_NAME, TABLE_TYPE, COMMENT FROM ${database}.INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = '${schema}'`,
  );
  const columns = await rows(
    `SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT
     FROM ${database}.INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = '${schema}'`,
  );
  const found = relations.map((row) => foundRelation(row, columns));
  for (const kind of ["STREAM", "PROCEDURE", "TASK"]) {
    if (!expected.some((object) => object.kind === kind)) continue;
    const listed = await rows(`SHOW ${kind}S IN SCHEMA ${database}.${schema}`);
    found.push(...listed.map((row) => foundListed(kind, row)));
  }
  return found;
}

function foundRelation(row: ResultRow, columns: readonly ResultRow[]): FoundObject {
  const name = textOf(row, "TABLE_NAME");
  const own = columns.filter((column) => column["TABLE_NAME"] === name).map(foundColumn);
  const kind = textOf(row, "TABLE_TYPE").replace("BASE ", "");
  const comment = row["COMMENT"] ?? "";
  return { kind, name, comment, source: "", isStale: false, columns: new Map(own) };
}

function foundColumn(row: ResultRow): [string, FoundColumn] {
  const isRequired = row["IS_NULLABLE"] === "NO" && (row["COLUMN_DEFAULT"] ?? null) === null;
  return [textOf(row, "COLUMN_NAME"), { type: textOf(row, "DATA_TYPE"), isRequired }];
}

function foundListed(kind: string, row: ResultRow): FoundObject {
  const table = (row["table_name"] ?? "").split(".").at(-1) ?? "";
  return {
    kind,
    name: row["name"] ?? "",
    // SHOW PROCEDURES calls it description.
    comment: row["comment"] ?? row["description"] ?? "",
    source: `${row["mode"] ?? ""} ${table}`,
    isStale: row["stale"] === "true",
    columns: new Map(),
  };
}

const RELATIONS: ReadonlySet<string> = new Set(["TABLE", "VIEW"]);

function sameName(object: ExpectedObject, found: readonly FoundObject[]): FoundObject | undefined {
  return found.find(
    ({ kind, name }) =>
      name === object.name &&
      (kind === object.kind ||
        (RELATIONS.has(object.kind) && !["STREAM", "PROCEDURE", "TASK"].includes(kind))),
  );
}

function findProblem(object: ExpectedObject, found: readonly FoundObject[]): string[] {
  const there = sameName(object, found);
  if (there === undefined) return [];
  const what = `${object.kind.toLowerCase()} ${object.name}`;
  if (there.kind !== object.kind)
    return [`${what}: there is a ${there.kind.toLowerCase()} of that name`];
  if (object.kind === "TABLE") return findTableProblem(what, object, there);
  const isOurs = there.comment.startsWith(MARK) || there.comment === object.comment;
  if (object.kind === "STREAM") {
    return there.source === "APPEND_ONLY REPORT_CONFIG" || (isOurs && there.isStale)
      ? []
      : [`${what}: it is not an append-only stream on REPORT_CONFIG`];
  }
  return isOurs ? [] : [`${what}: somebody else made it (its comment is not this service's)`];
}

function findTableProblem(what: string, object: ExpectedObject, there: FoundObject): string[] {
  const lacking = [...object.columns.keys()].filter(
    (column) => !there.columns.has(column) && !object.addedColumns.has(column),
  );
  const different = [...object.columns].flatMap(([column, type]) => {
    const actual = there.columns.get(column)?.type;
    return actual === undefined || typeFamily(actual) === type
      ? []
      : [`${column} is ${actual}, not ${type}`];
  });
  const required = [...there.columns].flatMap(([column, { isRequired }]) =>
    isRequired && !object.columns.has(column) ? [column] : [],
  );
  const reasons = [
    ...(lacking.length > 0 ? [`it has no ${lacking.join(", ")}`] : []),
    ...different,
    ...(required.length > 0
      ? [`it wants a value in ${required.join(", ")}, of which this service knows nothing`]
      : []),
  ];
  return reasons.length === 0 ? [] : [`${what}: ${reasons.join("; ")}`];
}

function foreignSchema(schema: string, problems: readonly string[]): ReportError {
  return new ReportError(
    "configuration",
    [
      `${schema} holds what this service did not make; nothing has been changed:`,
      ...problems.map((problem) => `  ${problem}`),
      "Rename what is there (ALTER ... RENAME TO ...), or set SNOWFLAKE_SCHEMA (or SNOWFLAKE_DATABASE) to a place of its own.",
    ].join("\n"),
  );
}

function describeFound(
  expected: readonly ExpectedObject[],
  found: readonly FoundObject[],
): string[] {
  const missing = expected.filter((object) => sameName(object, found) === undefined);
  if (missing.length === expected.length) return [];
  const older = expected.flatMap((object) => {
    const there = sameName(object, found);
    const added = [...object.addedColumns].filter((column) => !there?.columns.has(column));
    return there === undefined || added.length === 0
      ? []
      : [
          `${object.name} is of an older version: it gets ${added.join(", ")}; its rows stay as they are`,
        ];
  });
  const stale = found
    .filter(({ isStale, name }) => isStale && expected.some((object) => object.name === name))
    .map(({ name }) => `${name} is stale; report-service doctor shows the statement that mends it`);
  if (missing.length === 0) return [...older, ...stale];
  const names = missing.map(({ name }) => name).join(", ");
  return [...older, ...stale, `a part of the schema is there already: ${names} will be added`];
}
