import { ReportError } from "../report/errors.ts";
import { driverOptions } from "./authentication.ts";
import { type DriverConnection, type DriverStatement, loadDriver } from "./driver.ts";
import { loginError, optionsError, statementError } from "./driver-errors.ts";
import { readReply } from "./raw-rows.ts";
import type { Scene } from "./refused-statement.ts";
import type { ConnectionPurpose, ParameterValues, SnowflakeSettings } from "./settings.ts";
import {
  AbandonedError,
  runStatement,
  SessionGoneError,
  type StatementReply,
  type StatementRequest,
} from "./statement-run.ts";

export interface SessionRequest extends StatementRequest {
  /**
   * What to do when the session turns out to have ended: "resend" what can be run twice in a new one, with the same
   * request id; or only "if-unsent"; or "fail", since it belongs to what was lost with the session (a transaction).
   */
  readonly whenGone: "resend" | "if-unsent" | "fail";
}

/** A Snowflake session that is replaced when it ends. Statements may run in it side by side. */
export interface Session extends AsyncDisposable {
  run(request: SessionRequest): Promise<StatementReply>;
  /** Leaves the session to the warehouse, which rolls back what is open in it; the next statement opens another. */
  discard(): void;
}

/**
 * Logs in and sets the session up. Throws ReportError `configuration`, `warehouse_unavailable` or `login_refused`
 * (also when the role is not the one asked for: the server ignores a role that the user does not have).
 */
export async function openSession(
  settings: SnowflakeSettings,
  purpose: ConnectionPurpose,
): Promise<Session> {
  let current: Promise<DriverConnection> | undefined = connect(settings, purpose);
  await current;

  function drop(connection: Promise<DriverConnection> | undefined): void {
    if (connection !== undefined && connection === current) current = undefined;
    void connection?.then(destroy, ignore);
  }

  async function runOnce(request: SessionRequest): Promise<StatementReply> {
    request.signal?.throwIfAborted();
    // What follows in a transaction must not run outside of it, in a new session.
    if (current === undefined && request.whenGone === "fail") throw lostTransaction();
    const connection = (current ??= connect(settings, purpose));
    try {
      return await runStatement(await connection, request);
    } catch (error) {
      if (current === connection && isUnusable(error, request.whenGone)) drop(connection);
      throw error;
    }
  }

  async function run(request: SessionRequest): Promise<StatementReply> {
    try {
      return await runOnce(request).catch((error: unknown) => {
        if (!isResendable(error, request.whenGone)) throw error;
        return runOnce(request);
      });
    } catch (error) {
      throw outwardError(error, request, sceneOf(settings, purpose, request.sql));
    }
  }

  return {
    run,
    discard: () => drop(current),
    async [Symbol.asyncDispose]() {
      const connection = current;
      current = undefined;
      await connection?.then(destroy, ignore);
    },
  };
}

function lostTransaction(): ReportError {
  const message = "the Snowflake session ended within a transaction, which is rolled back";
  return new ReportError("warehouse_unavailable", message);
}

function isResendable(error: unknown, whenGone: SessionRequest["whenGone"]): boolean {
  if (!(error instanceof SessionGoneError)) return false;
  return whenGone === "resend" || (whenGone === "if-unsent" && !error.started);
}

/** What may still be running does not disturb others, except where statements build on each other. */
function isUnusable(error: unknown, whenGone: SessionRequest["whenGone"]): boolean {
  if (error instanceof ReportError) return error.code !== "query_timeout";
  if (error instanceof AbandonedError) return whenGone !== "resend";
  return error instanceof SessionGoneError;
}

/** What a refused statement is explained from. */
function sceneOf(settings: SnowflakeSettings, { role }: ConnectionPurpose, sql: string): Scene {
  const { username, warehouse, database, schema } = settings;
  return { sql, role: role ?? settings.role, user: username, warehouse, database, schema };
}

function outwardError(error: unknown, request: StatementRequest, scene: Scene): unknown {
  if (error instanceof AbandonedError) return abandonedError(error);
  if (error instanceof SessionGoneError) return statementError(error.cause, undefined);
  if (request.signal?.aborted && error === request.signal.reason) return error;
  return statementError(error, undefined, request.binds, scene);
}

/** After an abort its reason stands; a time limit that nobody confirmed means that nobody is there. */
function abandonedError(error: AbandonedError): unknown {
  if (!(error.reason instanceof ReportError) || error.reason.code !== "query_timeout") {
    return error.reason;
  }
  return new ReportError(
    "warehouse_unavailable",
    "Snowflake answered neither the statement nor its cancel",
    { cause: error.reason, warehouse: error.reason.warehouse },
  );
}

async function connect(
  settings: SnowflakeSettings,
  purpose: ConnectionPurpose,
): Promise<DriverConnection> {
  const driver = await loadDriver(settings.ocsp);
  let connection: DriverConnection;
  try {
    connection = driver.createConnection(driverOptions(settings, purpose));
  } catch (error) {
    throw optionsError(error);
  }
  await logIn(connection, settings.timeouts.loginMs, sceneOf(settings, purpose, ""));
  try {
    await setUp(connection, settings, purpose);
  } catch (error) {
    void destroy(connection);
    throw statementError(error instanceof AbandonedError ? error.reason : error, undefined);
  }
  return connection;
}

/** connectAsync resolves also when the login failed: only its callback tells. A late success is closed again. */
function logIn(connection: DriverConnection, timeoutMs: number, scene: Scene): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let late = false;
  const deadline = setTimeout(() => {
    late = true;
    const message = `Snowflake cannot be reached: no answer to the login in ${timeoutMs / 1000} s`;
    reject(new ReportError("warehouse_unavailable", message));
  }, timeoutMs);
  const settle = (error: unknown): void => {
    clearTimeout(deadline);
    if (late && !error) void destroy(connection);
    if (error) reject(loginError(error, scene));
    else resolve();
  };
  connection.connectAsync(settle).catch(settle);
  return promise;
}

async function setUp(
  connection: DriverConnection,
  settings: SnowflakeSettings,
  purpose: ConnectionPurpose,
): Promise<void> {
  const run = async (sql: string): Promise<DriverStatement> => {
    const request = { sql, binds: [], requestId: crypto.randomUUID() };
    const reply = await runStatement(connection, {
      ...request,
      timeoutMs: settings.timeouts.loginMs,
    });
    await readReply(reply);
    return reply.statement;
  };
  const tag = purpose.queryTag === undefined ? {} : { QUERY_TAG: purpose.queryTag };
  const parameters = Object.entries({ ...purpose.sessionParameters, ...tag });
  if (parameters.length > 0) await run(alterSession(Object.fromEntries(parameters)));
  if (purpose.secondaryRoles === "none") await run("USE SECONDARY ROLES NONE");
  const role = purpose.role ?? settings.role;
  if (role !== undefined) await checkRole(connection, settings, role);
}

/** One statement for all: each costs a round trip of 50 to 100 ms. */
function alterSession(parameters: ParameterValues): string {
  const settings = Object.entries(parameters).map(
    ([name, value]) =>
      `${name} = ${typeof value === "string" ? quoteText(value) : String(value).toUpperCase()}`,
  );
  return `ALTER SESSION SET ${settings.join(", ")}`;
}

function quoteText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

async function checkRole(
  connection: DriverConnection,
  settings: SnowflakeSettings,
  role: string,
): Promise<void> {
  const reply = await runStatement(connection, {
    sql: "SELECT CURRENT_ROLE()",
    binds: [],
    requestId: crypto.randomUUID(),
    timeoutMs: settings.timeouts.loginMs,
  });
  const [row] = await readReply(reply);
  const actual = row?.[0] ?? "none";
  const wanted = role.startsWith('"')
    ? role.slice(1, -1).replaceAll('""', '"')
    : role.toUpperCase();
  if (actual === wanted) return;
  throw new ReportError(
    "login_refused",
    `the role ${role} is not granted to the user (the session has the role ${actual})`,
  );
}

const CLOSE_WAIT_MS = 5000;

/** A session that has ended already, or that nobody answers for, needs no closing: no error matters here. */
function destroy(connection: DriverConnection): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const deadline = setTimeout(resolve, CLOSE_WAIT_MS);
  connection.destroy(() => {
    clearTimeout(deadline);
    resolve();
  });
  return promise;
}

function ignore(): void {
  // The failure of a login is told to whoever waits for it.
}
