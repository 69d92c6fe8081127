import { ReportError, type WarehouseFacts } from "../report/errors.ts";
import { describeMissingGrant } from "./missing-grant.ts";
import type { Scene } from "./refused-statement.ts";

/** What the driver gives an error, as far as it is needed. */
interface DriverFacts {
  readonly name: string;
  readonly message: string;
  readonly code: string;
  readonly sqlState: string;
  readonly httpStatus: number | undefined;
  readonly queryId: string | undefined;
}

/** Codes of Snowflake (six digits of their own, with leading zeros) and of the driver (40xxxx). */
const LOCK_WAITERS = "000625";
const STATEMENT_TIMEOUT = "000630";
const CANCELLED = "000604";
/** Internal errors of the warehouse that pass. */
const PASSING: ReadonlySet<string> = new Set(["000603", "300002", LOCK_WAITERS]);
/** The session is gone: said by the warehouse, or by the driver of a connection that was told so before. */
const SESSION_GONE: ReadonlySet<string> = new Set([
  "390104",
  "390111",
  "390114",
  "407002",
  "401004",
]);

function factsOf(thrown: unknown): DriverFacts {
  return {
    name: textOf(thrown, "name") || "Error",
    message: textOf(thrown, "message") || String(thrown),
    code: textOf(thrown, "code"),
    sqlState: textOf(thrown, "sqlState"),
    httpStatus: statusOf(thrown),
    queryId: textOf(propertyOf(thrown, "data"), "queryId") || undefined,
  };
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown, name: string): string {
  const property = propertyOf(value, name);
  return typeof property === "string" || typeof property === "number" ? String(property) : "";
}

function statusOf(thrown: unknown): number | undefined {
  const response = propertyOf(thrown, "response");
  const status = propertyOf(response, "statusCode") ?? propertyOf(response, "status");
  return typeof status === "number" ? status : undefined;
}

/**
 * A cause that is safe to print. The driver's own errors carry the request, with its tokens, and the login's with
 * the password; they must not get into a log.
 */
function causeOf(facts: DriverFacts): Error {
  const cause = new Error(facts.message);
  cause.name = facts.code === "" ? facts.name : `${facts.name} ${facts.code}`;
  return cause;
}

export function isSessionGone(thrown: unknown): boolean {
  return SESSION_GONE.has(factsOf(thrown).code);
}

export function isLockWait(error: ReportError): boolean {
  return error.warehouse.vendorCode === LOCK_WAITERS;
}

const UNREACHABLE_NAMES: ReadonlySet<string> = new Set([
  "NetworkError",
  "OCSPError",
  "CRLError",
  "UnexpectedContentError",
]);
const UNREACHABLE_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "ECONNABORTED",
  "EPIPE",
  "ConnectionRefused",
]);

/** The warehouse itself said no: an answer that is none (a proxy's page, half a reply) has no code. */
function isAnswer(facts: DriverFacts): boolean {
  return facts.name === "OperationFailedError" && facts.code !== "";
}

function isUnreachable(thrown: unknown, facts: DriverFacts): boolean {
  if (facts.name === "OperationFailedError") return facts.code === "";
  if (UNREACHABLE_NAMES.has(facts.name) || UNREACHABLE_CODES.has(facts.code)) return true;
  if (UNREACHABLE_CODES.has(textOf(propertyOf(thrown, "cause"), "code"))) return true;
  const status = facts.httpStatus;
  return status !== undefined && (status >= 500 || status === 408 || status === 429);
}

/**
 * A login that did not work: `warehouse_unavailable` when nothing answered, else `login_refused`, with the grant that
 * is missing where the role is not the user's.
 */
export function loginError(thrown: unknown, scene: Scene): ReportError {
  if (thrown instanceof ReportError) return thrown;
  const facts = factsOf(thrown);
  const unreachable = isUnreachable(thrown, facts);
  const status = facts.httpStatus === undefined ? "" : ` (HTTP ${facts.httpStatus})`;
  return new ReportError(
    unreachable ? "warehouse_unavailable" : "login_refused",
    unreachable
      ? `Snowflake cannot be reached: ${facts.message}${status}`
      : withGrant(`Snowflake refused the login: ${facts.message}${status}`, facts, scene),
    { cause: causeOf(facts), warehouse: warehouseFacts(facts, undefined) },
  );
}

/** Options that the driver refuses before it sends anything. */
export function optionsError(thrown: unknown): ReportError {
  const facts = factsOf(thrown);
  return new ReportError("configuration", `Snowflake settings: ${facts.message}`, {
    cause: causeOf(facts),
  });
}

/**
 * A statement that failed: `warehouse_unavailable` (no usable answer, or the session ended), `query_timeout`, `cancelled`
 * (by somebody in the warehouse), else `query_failed`. Bound text that the warehouse quotes is left out of the message;
 * for a statement that a privilege is missing for, the GRANT is added.
 */
export function statementError(
  thrown: unknown,
  queryId: string | undefined,
  binds: readonly unknown[] = [],
  scene: Scene = { sql: "" },
): ReportError {
  if (thrown instanceof ReportError) return thrown;
  const facts = factsOf(thrown);
  const warehouse = warehouseFacts(facts, queryId);
  const options = {
    cause: causeOf({ ...facts, message: redact(facts.message, binds) }),
    warehouse,
  };
  if (SESSION_GONE.has(facts.code)) {
    return new ReportError("warehouse_unavailable", "the Snowflake session has ended", options);
  }
  if (isUnreachable(thrown, facts)) {
    const message = `Snowflake does not answer: ${facts.message}`;
    return new ReportError("warehouse_unavailable", message, options);
  }
  if (facts.code === STATEMENT_TIMEOUT) {
    return new ReportError("query_timeout", redact(facts.message, binds), options);
  }
  if (facts.code === CANCELLED) {
    return new ReportError("cancelled", "the statement was cancelled in the warehouse", options);
  }
  if (!isAnswer(facts)) return unusableAnswer(facts, options);
  const retryable = PASSING.has(facts.code) || facts.sqlState.startsWith("40");
  const message = withGrant(redact(facts.message, binds), facts, scene);
  return new ReportError("query_failed", message, { ...options, retryable });
}

function withGrant(message: string, facts: DriverFacts, scene: Scene): string {
  const missing = describeMissingGrant(facts, scene);
  return missing === undefined ? message : `${message.trimEnd()} (${missing})`;
}

/** An error of the driver's own: about what it was asked (a defect here), or about an answer it cannot read. */
function unusableAnswer(
  facts: DriverFacts,
  options: ConstructorParameters<typeof ReportError>[2],
): ReportError {
  if (facts.name.endsWith("ParameterError")) {
    return new ReportError("internal", `the driver refuses a statement: ${facts.message}`, options);
  }
  const message = `Snowflake gave an unusable answer: ${facts.message}`;
  return new ReportError("warehouse_unavailable", message, options);
}

function warehouseFacts(facts: DriverFacts, queryId: string | undefined): WarehouseFacts {
  const id = queryId ?? facts.queryId;
  return {
    ...(facts.sqlState === "" ? {} : { sqlState: facts.sqlState }),
    ...(facts.code === "" ? {} : { vendorCode: facts.code }),
    ...(id === undefined ? {} : { queryId: id }),
  };
}

/** Shorter values are more likely a part of some word than a quotation. */
const QUOTED_LENGTH_MIN = 4;

function redact(message: string, binds: readonly unknown[]): string {
  let text = message;
  for (const value of binds) {
    if (typeof value === "string" && value.length >= QUOTED_LENGTH_MIN) {
      text = text.replaceAll(value, "?");
    }
  }
  return text;
}
