import {
  type Engine,
  EngineError,
  type EngineResult,
  type EngineSession,
  type ResultColumn,
  type SessionContext,
  type Statement,
} from "../../../src/local/snowflake/engine.ts";

/**
 * An engine without SQL. It understands: ROWS n, ECHO (its binds), COUNT (how often it ran), WAIT (until cancelled or
 * released), FAIL (a syntax error), BROKEN (a defect), ALTER SESSION SET name = value.
 */
export class FakeEngine implements Engine {
  readonly sessions: FakeSession[] = [];
  closed = false;

  async openSession(context: Partial<SessionContext> & { user: string }): Promise<EngineSession> {
    const session = new FakeSession(context);
    this.sessions.push(session);
    return session;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** The session that was opened last. */
  get latest(): FakeSession {
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error("No session was opened.");
    return session;
  }
}

export class FakeSession implements EngineSession {
  readonly context: SessionContext;
  readonly statements: Statement[] = [];
  readonly cancelled: string[] = [];
  closed = false;
  readonly #parameters: Record<string, string | number | boolean> = {
    TIMEZONE: "UTC",
    DATE_OUTPUT_FORMAT: "YYYY-MM-DD",
    QUERY_TAG: "",
  };
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();

  constructor(context: Partial<SessionContext> & { user: string }) {
    this.context = {
      database: context.database ?? null,
      schema: context.schema ?? null,
      warehouse: context.warehouse ?? null,
      role: context.role ?? null,
      user: context.user,
    };
  }

  parameters() {
    return this.#parameters;
  }

  async execute(statement: Statement): Promise<EngineResult> {
    this.statements.push(statement);
    const [word = "", ...rest] = statement.sql.split(" ");
    switch (word) {
      case "ROWS":
        return numbered(Number(rest[0]), statement.describeOnly);
      case "ECHO":
        return oneCell(JSON.stringify(statement.binds));
      case "COUNT":
        return oneCell(String(this.runsOf("COUNT")));
      case "WAIT":
        await this.#wait(statement.queryId);
        return oneCell("waited");
      case "ALTER":
        this.#alter(statement.sql);
        return oneCell("Statement executed successfully.");
      case "FAIL":
        throw new EngineError(
          "001003",
          "42000",
          "SQL compilation error:\nsyntax error line 3 at position 7 unexpected 'FAIL'.",
        );
      default:
        throw new Error(`a defect in ${word}`);
    }
  }

  runsOf(sql: string): number {
    return this.statements.filter((statement) => statement.sql === sql).length;
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Lets every WAIT end well. */
  release(): void {
    for (const waiting of this.#waiting.values()) waiting.resolve();
  }

  cancel(queryId: string): void {
    this.cancelled.push(queryId);
    this.#waiting
      .get(queryId)
      ?.reject(new EngineError("000604", "57014", "SQL execution canceled"));
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  async #wait(queryId: string): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    this.#waiting.set(queryId, waiting);
    await waiting.promise.finally(() => this.#waiting.delete(queryId));
  }

  #alter(sql: string): void {
    const [, name = "", value = ""] = /^ALTER SESSION SET (\S+) = '?(.*?)'?$/.exec(sql) ?? [];
    if (!(name in this.#parameters)) {
      throw new EngineError(
        "001506",
        "22023",
        `SQL compilation error:\ninvalid parameter '${name}'`,
      );
    }
    this.#parameters[name] = value;
  }
}

const FIXED = { nullable: true, scale: 0, precision: 38, length: null, byteLength: null };
const TEXT = { nullable: true, scale: null, precision: null, length: 100, byteLength: 400 };

function oneCell(cell: string): EngineResult {
  return result([{ name: "VALUE", type: "text", ...TEXT }], [[[cell]]]);
}

/** Numbers from 0, with a text that is null, "NULL" and something with quotes in turn. */
function numbered(count: number, describeOnly: boolean): EngineResult {
  const texts = [null, "NULL", 'é "quoted" \\ \n'];
  const rows = Array.from({ length: count }, (_, n) => [String(n), texts[n % 3] ?? null]);
  const batches = [];
  for (let start = 0; start < count; start += 2048) batches.push(rows.slice(start, start + 2048));
  const columns: ResultColumn[] = [
    { name: "N", type: "fixed", ...FIXED },
    { name: "T", type: "text", ...TEXT },
  ];
  return result(columns, describeOnly ? [] : batches);
}

function result(
  columns: ResultColumn[],
  batches: readonly (readonly (readonly (string | null)[])[])[],
): EngineResult {
  return {
    columns,
    batches: (async function* () {
      yield* batches;
    })(),
    statementTypeId: 4096,
  };
}
