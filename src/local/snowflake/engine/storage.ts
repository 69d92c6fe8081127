/** The DuckDB instance: its connections, the data file, and the catalog written into it. */

import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { ReportError } from "../../../report/errors.ts";
import { Catalog, type Entry, entryKey, storageSchema } from "./catalog.ts";
import { SignedUrls } from "./stages/signed-urls.ts";
import { StageFiles } from "./stages/stage-files.ts";
import { RecentResults } from "./recent-results.ts";
import { TableVersions } from "./table-versions.ts";
import { DEFAULT_ROLE } from "../roles/authority.ts";
import { MACRO_STATEMENTS } from "../translate/macros.ts";
import { quoteName, quoteText } from "../translate/sql-ast.ts";
import { DATA_CATALOG } from "../translate/from.ts";

const META = `${DATA_CATALOG}."_SF"`;
/** Told apart from any other DuckDB file by this schema and table. */
const META_TABLE = `${META}.catalog`;
const IDLE_CONNECTIONS_MAX = 16;

/** The instance and a stock of connections; each is used by one statement or transaction at a time. */
export class Storage {
  readonly catalog = new Catalog();
  private readonly instance: DuckDBInstance;
  private readonly idle: DuckDBConnection[] = [];
  private readonly zones = new WeakMap<DuckDBConnection, string>();

  readonly stageFiles: StageFiles;
  readonly signedUrls: SignedUrls;
  readonly versions = new TableVersions(this, storageName);
  readonly results = new RecentResults();

  constructor(instance: DuckDBInstance, file: string | undefined) {
    this.instance = instance;
    this.stageFiles = new StageFiles(file);
    this.signedUrls = new SignedUrls(this.catalog, this.stageFiles);
  }

  /** A connection whose session time zone is this one. */
  async acquire(timezone: string): Promise<DuckDBConnection> {
    const connection = this.idle.pop() ?? (await this.instance.connect());
    if (this.zones.get(connection) !== timezone) {
      await connection.run(`SET TimeZone = ${quoteText(timezone)}`);
      this.zones.set(connection, timezone);
    }
    return connection;
  }

  release(connection: DuckDBConnection): void {
    if (this.idle.length < IDLE_CONNECTIONS_MAX) this.idle.push(connection);
    else connection.closeSync();
  }

  /** Ends a connection whose state nobody wants to know. */
  discard(connection: DuckDBConnection): void {
    connection.closeSync();
  }

  close(): void {
    for (const connection of this.idle) connection.closeSync();
    this.idle.length = 0;
    this.instance.closeSync();
    this.stageFiles[Symbol.dispose]();
  }
}

/** Opens the storage in memory or in a file. Throws ReportError `configuration` for a file that is none of ours. */
export async function openStorage(file: string | undefined): Promise<Storage> {
  const instance = await DuckDBInstance.create(":memory:");
  const storage = new Storage(instance, file);
  const connection = await storage.acquire("UTC");
  try {
    if (file !== undefined) storage.versions.startAt(await readChangeTime(file));
    await attach(connection, file);
    await prepareInstance(connection, storage.stageFiles.folder);
    await loadCatalog(connection, storage.catalog);
    await dropLeftovers(connection, storage.catalog);
  } catch (error) {
    connection.closeSync();
    instance.closeSync();
    throw error;
  }
  storage.release(connection);
  return storage;
}

async function attach(connection: DuckDBConnection, file: string | undefined): Promise<void> {
  const path = file ?? ":memory:";
  try {
    await connection.run(`ATTACH ${quoteText(path)} AS ${DATA_CATALOG}`);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const reason = /lock/i.test(detail)
      ? "it is in use by another process"
      : "it cannot be read as a database of the local Snowflake (move it away to begin with a new one)";
    throw new ReportError(
      "configuration",
      `The local database file ${path} cannot be opened: ${reason}.`,
      { cause: error },
    );
  }
  await requireOwnFile(connection, path);
  await connection.run(`CREATE SCHEMA IF NOT EXISTS ${META}`);
  await connection.run(`CREATE TABLE IF NOT EXISTS ${META_TABLE} (key VARCHAR, json VARCHAR)`);
}

/** When a data file, with its log, was written last; 0 for a new one. */
async function readChangeTime(file: string): Promise<number> {
  const times = [file, `${file}.wal`].map(async (path) => {
    const isThere = await Bun.file(path).exists();
    return isThere ? Bun.file(path).lastModified : 0;
  });
  return Math.max(...(await Promise.all(times)));
}

async function requireOwnFile(connection: DuckDBConnection, path: string): Promise<void> {
  const tables = await readRows(
    connection,
    `SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ${quoteText(DATA_CATALOG)}`,
  );
  const isOwn =
    tables.length === 0 ||
    tables.some(([schema, table]) => schema === "_SF" && table === "catalog");
  if (isOwn) return;
  const message = `The local database file ${path} is a DuckDB file of another program; name another file.`;
  throw new ReportError("configuration", message);
}

/** Rows of text, for the engine's own questions. */
export async function readRows(
  connection: DuckDBConnection,
  sql: string,
): Promise<(string | null)[][]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
}

async function prepareInstance(connection: DuckDBConnection, stages: string): Promise<void> {
  for (const statement of MACRO_STATEMENTS) await connection.run(statement);
  // Snowflake turns numbers into text where text is wanted, and sorts nulls as the largest values.
  await connection.run("SET GLOBAL old_implicit_casting = true");
  await connection.run("SET GLOBAL default_null_order = 'nulls_last_on_asc_first_on_desc'");
  // A report's SQL must not read files of this machine; COPY INTO a stage writes to the stages' folder.
  await connection.run(`SET GLOBAL allowed_directories = [${quoteText(`${stages}/`)}]`);
  await connection.run("SET GLOBAL enable_external_access = false");
}

async function loadCatalog(connection: DuckDBConnection, catalog: Catalog): Promise<void> {
  for (const [json] of await readRows(connection, `SELECT json FROM ${META_TABLE}`)) {
    const entry = upgradeEntry(JSON.parse(json ?? "null"));
    if (entry !== null) catalog.put(entry);
  }
}

/** Files of the time before roles: all belonged to PUBLIC, and grants were only noted, without a meaning. */
function upgradeEntry(entry: Entry): Entry | null {
  if (entry.kind === "grant") return "grantedBy" in entry ? entry : null;
  return entry.owner === "PUBLIC" ? { ...entry, owner: DEFAULT_ROLE } : entry;
}

/** Temporary tables of sessions that did not end in order. */
async function dropLeftovers(connection: DuckDBConnection, catalog: Catalog): Promise<void> {
  const known = new Set(
    catalog.listContainers("schema").map((schema) => storageSchema(schema.path)),
  );
  const rows = await readRows(
    connection,
    `SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ${quoteText(DATA_CATALOG)}
     AND contains(table_name, '@') AND NOT ends_with(table_name, '@STREAM')`,
  );
  for (const [schema, table] of rows) {
    if (known.has(schema ?? ""))
      await connection.run(`DROP TABLE ${storageName(schema ?? "", table ?? "")}`);
  }
}

/** `data."DB.S"."T"`. */
export function storageName(schema: string, table: string): string {
  return `${DATA_CATALOG}.${quoteName(schema)}.${quoteName(table)}`;
}

/** Statements that write entries through to the file, or take them out. */
export function writeEntries(put: readonly Entry[], removed: readonly Entry[]): string[] {
  const lasting = (entry: Entry): boolean => entry.kind !== "table" || entry.session === null;
  const remove = (entry: Entry): string =>
    `DELETE FROM ${META_TABLE} WHERE key = ${quoteText(entryKey(entry))}`;
  return [
    ...removed.filter(lasting).map(remove),
    ...put
      .filter(lasting)
      .flatMap((entry) => [
        remove(entry),
        `INSERT INTO ${META_TABLE} VALUES (${quoteText(entryKey(entry))}, ${quoteText(JSON.stringify(entry))})`,
      ]),
  ];
}
