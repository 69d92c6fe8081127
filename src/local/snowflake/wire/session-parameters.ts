import type { EngineSession } from "../engine.ts";
import { newQueryId } from "./query-id.ts";
import type { Scalars } from "./body.ts";
import type { Session } from "./sessions.ts";

/**
 * Parameters that only the client acts on, with Snowflake's defaults but for one: above
 * CLIENT_STAGE_ARRAY_BINDING_THRESHOLD binds a driver uploads them to a stage, and this server has no stages.
 */
const CLIENT_PARAMETERS: Scalars = {
  CLIENT_SESSION_KEEP_ALIVE: false,
  CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY: 3600,
  CLIENT_PREFETCH_THREADS: 4,
  CLIENT_RESULT_CHUNK_SIZE: 160,
  CLIENT_STAGE_ARRAY_BINDING_THRESHOLD: 2_147_483_647,
  CLIENT_TELEMETRY_ENABLED: false,
  JS_TREAT_INTEGER_AS_BIGINT: false,
  QUERY_CONTEXT_CACHE_SIZE: 5,
};

/** All that an answer echoes: the client's, the session's, and what this statement alone has otherwise. */
export function sessionParameters(
  session: Pick<Session, "engine" | "clientParameters">,
  statement: Scalars = {},
): Scalars {
  const parameters: Record<string, string | number | boolean> = {
    ...CLIENT_PARAMETERS,
    ...session.clientParameters,
    ...session.engine.parameters(),
  };
  for (const [name, value] of Object.entries(statement)) {
    if (name in parameters) parameters[name] = value;
  }
  return parameters;
}

/**
 * Gives a session the parameters a client asked for at login; returns those that are the client's own business.
 * Throws EngineError for a parameter that the engine refuses.
 */
export async function applyLoginParameters(
  engine: EngineSession,
  requested: Scalars,
): Promise<Scalars> {
  const own: Record<string, string | number | boolean> = {};
  const known = engine.parameters();
  for (const [name, value] of Object.entries(requested)) {
    if (name in known || !isClientParameter(name)) await setParameter(engine, name, value);
    else own[name] = value;
  }
  return own;
}

/** Results are JSON here, which every driver reads, whatever JDBC_QUERY_RESULT_FORMAT and its like ask for. */
function isClientParameter(name: string): boolean {
  return name in CLIENT_PARAMETERS || /^(?:CLIENT|GCS)_|_QUERY_RESULT_FORMAT$/.test(name);
}

async function setParameter(
  engine: EngineSession,
  name: string,
  value: string | number | boolean,
): Promise<void> {
  const result = await engine.execute({
    queryId: newQueryId(),
    sql: `ALTER SESSION SET ${quoteName(name)} = ${writeLiteral(value)}`,
    binds: {},
    parameters: {},
    describeOnly: false,
  });
  // The engine holds a session until its result was read to the end.
  for await (const _rows of result.batches);
}

/** A parameter's name is an identifier; one that is not is quoted, so that the engine refuses it by name. */
function quoteName(name: string): string {
  return /^[A-Z_][A-Z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function writeLiteral(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value).toUpperCase();
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
