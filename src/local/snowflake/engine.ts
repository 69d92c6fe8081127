/**
 * The contract between the wire (server.ts and what is beside it: HTTP, login, chunks, long polls) and the
 * engine (DuckDB, translation, streams, locks). The wire knows no SQL; the engine knows no HTTP.
 */

/** One column of a result, as Snowflake's `rowtype` describes it. */
export interface ResultColumn {
  readonly name: string;
  /** Lower case wire type: "fixed", "text", "timestamp_ntz" ... */
  readonly type: string;
  readonly nullable: boolean;
  readonly precision: number | null;
  readonly scale: number | null;
  readonly length: number | null;
  readonly byteLength: number | null;
}

/** A bind as the driver sends it: always text, with the type it claims; an array for a bulk bind. */
export interface Bind {
  readonly type: string;
  readonly value: string | null | readonly (string | null)[];
}

export interface Statement {
  /** Given by the wire, returned to the client, seen in QUERY_HISTORY. */
  readonly queryId: string;
  readonly sql: string;
  /** Keyed "1", "2" ... as in the request. */
  readonly binds: Readonly<Record<string, Bind>>;
  /** Statement-level session parameters, such as STATEMENT_TIMEOUT_IN_SECONDS or QUERY_TAG. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  /** Only the columns are wanted; nothing runs, rows are empty. */
  readonly describeOnly: boolean;
}

export interface EngineResult {
  readonly columns: readonly ResultColumn[];
  /** Cells encoded as Snowflake encodes them on the wire (see report/table.ts), in batches, read once. */
  readonly batches: AsyncIterable<readonly (readonly (string | null)[])[]>;
  /** SELECT 4096, INSERT 12544, UPDATE 12800, DELETE 13056, MERGE 13312, DDL 24576 ... */
  readonly statementTypeId: number;
  /** Of a statement that is only described: how many `?` it has. */
  readonly bindCount?: number;
}

export interface SessionContext {
  readonly database: string | null;
  readonly schema: string | null;
  readonly warehouse: string | null;
  readonly role: string | null;
  readonly user: string;
}

/** One Snowflake session: its own transaction, parameters and current database, schema, warehouse and role. */
export interface EngineSession {
  /** Current values, for the `final...Name` fields of a reply. */
  readonly context: SessionContext;
  /** All session parameters that a reply echoes (TIMEZONE, the *_OUTPUT_FORMAT ones ...), by name. */
  parameters(): Readonly<Record<string, string | number | boolean>>;
  /** Runs one statement. Statements of a session run one after another. Throws EngineError. */
  execute(statement: Statement): Promise<EngineResult>;
  /** Stops the statement if it is running, waiting for a lock, or being read: it fails with 000604. */
  cancel(queryId: string): void;
  /** Rolls back what is open and frees the session. */
  close(): Promise<void>;
}

/** Files that the engine has signed URLs for. */
export interface SignedFiles {
  /** Told once where the wire answers, such as "http://127.0.0.1:8085". */
  serveAt(origin: string): void;
  /** The path of the file, which may not be there; null for a URL that was not signed here, or has expired. */
  open(url: URL): string | null;
}

export interface Engine {
  readonly signedFiles?: SignedFiles;
  /** Names that do not exist are ignored, as Snowflake's login does. */
  openSession(context: Partial<SessionContext> & { user: string }): Promise<EngineSession>;
  close(): Promise<void>;
}

/** A failure as Snowflake reports it. */
export class EngineError extends Error {
  /** Six digits, such as "001003" (syntax), "002003" (does not exist), "000604" (cancelled). */
  readonly code: string;
  readonly sqlState: string;

  constructor(code: string, sqlState: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "EngineError";
    this.code = code;
    this.sqlState = sqlState;
  }
}
