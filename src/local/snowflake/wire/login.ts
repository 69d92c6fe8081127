import { type Engine, EngineError, type EngineSession, type SessionContext } from "../engine.ts";
import { applyLoginParameters, sessionParameters } from "./session-parameters.ts";
import type { Session, Sessions, Tokens } from "./sessions.ts";
import { type JsonObject, readObject, readScalars, readText } from "./body.ts";
import { BadRequest, refuse, replyWith, succeed } from "./reply.ts";
import { listParameters } from "./result.ts";

export interface LoginSettings {
  readonly engine: Engine;
  readonly sessions: Sessions;
  readonly account: string;
}

const INCORRECT_LOGIN = "Incorrect username or password was specified.";
/** OAuth and workload identity need not name a user: the token does. Nobody checks tokens here. */
const UNNAMED_USER = "LOCAL_USER";

/**
 * POST /session/v1/login-request: any user with any password, key pair, token or identity is let in, with one missing
 * or with another account's name not (390100), nor a user who is disabled (390101), nor with a role that is not the
 * user's. Database, schema, warehouse and role come in the query.
 */
export async function answerLogin(
  body: JsonObject,
  query: URLSearchParams,
  settings: LoginSettings,
): Promise<Response> {
  const data = readObject(body, "data");
  const reason = refuseLogin(data, settings.account);
  if (reason !== null) return refuse({ code: "390100", message: `${INCORRECT_LOGIN} ${reason}` });
  const user = (readText(data, "LOGIN_NAME") ?? UNNAMED_USER).toUpperCase();
  const requested = readScalars(data, "SESSION_PARAMETERS");
  let engine: EngineSession | undefined;
  try {
    engine = await settings.engine.openSession({ user, ...readContext(query) });
    const clientParameters = await applyLoginParameters(engine, requested);
    const session = settings.sessions.open(user, engine, clientParameters);
    return succeed(describeLogin(session, settings.sessions));
  } catch (error) {
    await engine?.close();
    if (!(error instanceof EngineError)) throw error;
    const { code, message, sqlState } = error;
    return refuse({ code, message, data: { sqlState } });
  }
}

/** Why a login is refused, or null. */
function refuseLogin(data: JsonObject, account: string): string | null {
  const asked = readText(data, "ACCOUNT_NAME");
  if (asked === null) return "ACCOUNT_NAME is missing.";
  // A region may follow the account's name: "xy12345.eu-central-1".
  if (asked.split(".")[0]?.toUpperCase() !== account.toUpperCase()) {
    return `This local Snowflake is the account "${account}", not "${asked}".`;
  }
  const secret = readText(data, "PASSWORD") ?? readText(data, "TOKEN");
  return secret === null ? "There is neither a password nor a token." : null;
}

function readContext(query: URLSearchParams): Partial<SessionContext> {
  return {
    database: query.get("databaseName"),
    schema: query.get("schemaName"),
    warehouse: query.get("warehouse"),
    role: query.get("roleName"),
  };
}

function describeLogin(session: Session & Tokens, sessions: Sessions) {
  return {
    token: session.token,
    masterToken: session.masterToken,
    validityInSeconds: sessions.limits.sessionValiditySeconds,
    masterValidityInSeconds: sessions.limits.masterValiditySeconds,
    sessionId: session.id,
    displayUserName: session.user,
    serverVersion: "local",
    firstLogin: false,
    healthCheckInterval: 45,
    parameters: listParameters(sessionParameters(session)),
    sessionInfo: describeContext(session.engine),
    mfaToken: null,
    idToken: null,
  };
}

function describeContext({ context }: EngineSession) {
  return {
    databaseName: context.database,
    schemaName: context.schema,
    warehouseName: context.warehouse,
    roleName: context.role,
  };
}

/** POST /session/token-request: a new session token against the master token. */
export function answerRenewal(
  body: JsonObject,
  masterToken: string | null,
  sessions: Sessions,
): Response {
  if (body["requestType"] !== "RENEW") throw new BadRequest('The requestType must be "RENEW".');
  const renewed = sessions.renew(masterToken);
  if ("code" in renewed) return refuse(renewed);
  return succeed({
    sessionToken: renewed.token,
    masterToken: renewed.masterToken,
    validityInSecondsST: sessions.limits.sessionValiditySeconds,
    validityInSecondsMT: sessions.limits.masterValiditySeconds,
    sessionId: renewed.id,
  });
}

const OAUTH_VALIDITY_SECONDS = 600;

/**
 * POST /oauth/token-request: a token for the client credentials grant (RFC 6749, section 4.4), to log in with.
 * The client's id and secret come by Basic authentication or in the form.
 */
export function answerTokenRequest(form: URLSearchParams, authorization: string | null): Response {
  if (form.get("grant_type") !== "client_credentials") {
    return replyWith({ error: "unsupported_grant_type" }, 400);
  }
  const inHeader = authorization?.startsWith("Basic ") ?? false;
  if (!inHeader && (!form.get("client_id") || !form.get("client_secret"))) {
    return replyWith({ error: "invalid_client" }, 401);
  }
  return replyWith({
    access_token: `local-${crypto.randomUUID()}`,
    token_type: "Bearer",
    expires_in: OAUTH_VALIDITY_SECONDS,
  });
}
