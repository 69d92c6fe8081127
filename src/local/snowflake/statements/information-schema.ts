/** INFORMATION_SCHEMA of a database, made of the catalog when it is asked for. */

import {
  type Catalog,
  type ColumnEntry,
  fullName,
  type TableEntry,
  type ViewEntry,
} from "../engine/catalog.ts";
import { doesNotExist } from "../engine/errors.ts";
import { selectJson } from "../engine/history.ts";
import { writeType } from "../translate/snowflake-types.ts";

type Row = Readonly<Record<string, string | number | null>>;

interface InformationView {
  readonly columns: Readonly<Record<string, string>>;
  rows(catalog: Catalog, database: string, session: string): Row[];
}

const VARCHAR = "VARCHAR";
const NUMBER = "DECIMAL(38,0)";
const TIME = "TIMESTAMPTZ";

const VIEWS: Readonly<Record<string, InformationView>> = {
  TABLES: {
    columns: {
      TABLE_CATALOG: VARCHAR,
      TABLE_SCHEMA: VARCHAR,
      TABLE_NAME: VARCHAR,
      TABLE_OWNER: VARCHAR,
      TABLE_TYPE: VARCHAR,
      IS_TRANSIENT: VARCHAR,
      CREATED: TIME,
      COMMENT: VARCHAR,
    },
    rows: (catalog, database, session) =>
      relations(catalog, database, session).map(describeRelation),
  },
  VIEWS: {
    columns: {
      TABLE_CATALOG: VARCHAR,
      TABLE_SCHEMA: VARCHAR,
      TABLE_NAME: VARCHAR,
      TABLE_OWNER: VARCHAR,
      VIEW_DEFINITION: VARCHAR,
      CREATED: TIME,
      COMMENT: VARCHAR,
    },
    rows: (catalog, database) =>
      catalog
        .list("view")
        .filter(({ path }) => path[0] === database)
        .map((view) => ({ ...describeRelation(view), VIEW_DEFINITION: view.definition })),
  },
  COLUMNS: {
    columns: {
      TABLE_CATALOG: VARCHAR,
      TABLE_SCHEMA: VARCHAR,
      TABLE_NAME: VARCHAR,
      COLUMN_NAME: VARCHAR,
      ORDINAL_POSITION: NUMBER,
      COLUMN_DEFAULT: VARCHAR,
      IS_NULLABLE: VARCHAR,
      DATA_TYPE: VARCHAR,
      CHARACTER_MAXIMUM_LENGTH: NUMBER,
      NUMERIC_PRECISION: NUMBER,
      NUMERIC_SCALE: NUMBER,
      DATETIME_PRECISION: NUMBER,
      IS_IDENTITY: VARCHAR,
      COMMENT: VARCHAR,
    },
    rows: (catalog, database, session) =>
      relations(catalog, database, session).flatMap(describeColumns),
  },
  SCHEMATA: {
    columns: {
      CATALOG_NAME: VARCHAR,
      SCHEMA_NAME: VARCHAR,
      SCHEMA_OWNER: VARCHAR,
      CREATED: TIME,
      COMMENT: VARCHAR,
    },
    rows: (catalog, database) =>
      catalog
        .listContainers("schema")
        .filter(({ path }) => path[0] === database)
        .map((schema) => ({
          CATALOG_NAME: database,
          SCHEMA_NAME: schema.path[1] ?? "",
          SCHEMA_OWNER: schema.owner,
          CREATED: new Date(schema.createdAtMs).toISOString(),
          COMMENT: nullIfEmpty(schema.comment),
        })),
  },
  DATABASES: {
    columns: { DATABASE_NAME: VARCHAR, DATABASE_OWNER: VARCHAR, CREATED: TIME, COMMENT: VARCHAR },
    rows: (catalog) =>
      catalog.listContainers("database").map((database) => ({
        DATABASE_NAME: database.path[0] ?? "",
        DATABASE_OWNER: database.owner,
        CREATED: new Date(database.createdAtMs).toISOString(),
        COMMENT: nullIfEmpty(database.comment),
      })),
  },
};

/** DuckDB's SELECT of one of its views. Throws EngineError 002003 for one that is not kept here. */
export function selectInformation(
  catalog: Catalog,
  database: string,
  name: string,
  session: string,
): string {
  const view = VIEWS[name];
  if (view === undefined)
    throw doesNotExist("Object", fullName([database, "INFORMATION_SCHEMA", name]));
  return selectJson(view.rows(catalog, database, session), view.columns);
}

function nullIfEmpty(text: string): string | null {
  return text === "" ? null : text;
}

function relations(
  catalog: Catalog,
  database: string,
  session: string,
): (TableEntry | ViewEntry)[] {
  const tables = catalog
    .list("table")
    .filter((table) => table.session === null || table.session === session);
  return [...tables, ...catalog.list("view")].filter(({ path }) => path[0] === database);
}

function describeRelation(entry: TableEntry | ViewEntry): Row {
  const tableType =
    entry.kind === "table" && entry.session !== null ? "LOCAL TEMPORARY" : "BASE TABLE";
  return {
    TABLE_CATALOG: entry.path[0],
    TABLE_SCHEMA: entry.path[1],
    TABLE_NAME: entry.path[2],
    TABLE_OWNER: entry.owner,
    TABLE_TYPE: entry.kind === "view" ? "VIEW" : tableType,
    IS_TRANSIENT: "NO",
    CREATED: new Date(entry.createdAtMs).toISOString(),
    COMMENT: nullIfEmpty(entry.comment),
  };
}

function describeColumns(entry: TableEntry | ViewEntry): Row[] {
  return entry.columns.map((column, index) => ({
    TABLE_CATALOG: entry.path[0],
    TABLE_SCHEMA: entry.path[1],
    TABLE_NAME: entry.path[2],
    ...describeColumn(column, index + 1),
  }));
}

function describeColumn(
  { name, type, nullable, default: value, sequence, comment }: ColumnEntry,
  position: number,
): Row {
  return {
    COLUMN_NAME: name,
    ORDINAL_POSITION: position,
    COLUMN_DEFAULT: value,
    IS_NULLABLE: nullable ? "YES" : "NO",
    DATA_TYPE: type.name,
    CHARACTER_MAXIMUM_LENGTH: type.name === "TEXT" ? type.length : null,
    NUMERIC_PRECISION: type.precision,
    NUMERIC_SCALE: type.name === "NUMBER" ? type.scale : null,
    DATETIME_PRECISION: writeType(type).endsWith("(9)") ? 9 : null,
    IS_IDENTITY: sequence === null ? "NO" : "YES",
    COMMENT: nullIfEmpty(comment),
  };
}
