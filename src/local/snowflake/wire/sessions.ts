import { randomBytes } from "node:crypto";
import type { ChunkStore } from "./chunks.ts";
import type { EngineSession } from "../engine.ts";
import { type Query, QueryLog } from "./query-log.ts";
import type { Scalars } from "./body.ts";
import type { Refusal } from "./reply.ts";

export interface SessionLimits {
  readonly sessionValiditySeconds: number;
  /** How long a session can be renewed without a heartbeat or a renewal; Snowflake's is 4 hours. */
  readonly masterValiditySeconds: number;
}

export interface Session {
  readonly id: number;
  readonly user: string;
  readonly engine: EngineSession;
  readonly queries: QueryLog;
  /** What the client asked for at login and only the client acts on (CLIENT_SESSION_KEEP_ALIVE ...). */
  readonly clientParameters: Scalars;
}

export interface Tokens {
  readonly token: string;
  readonly masterToken: string;
}

interface OpenSession extends Session {
  tokens: Tokens;
  tokenEndsAt: number;
  masterEndsAt: number;
}

/** Which session a token opens, or the answer to a token that opens none. */
export type Admission =
  | { readonly session: Session; readonly refusal?: never }
  | { readonly session?: never; readonly refusal: Refusal };

const REFUSALS = {
  missing: { code: "390103", message: "Session token not found in the request data." },
  unknown: { code: "390104", message: "Session token is invalid. New login required." },
  gone: {
    code: "390111",
    message: "Session no longer exists.  New login required to access the service.",
  },
  expired: { code: "390112", message: "Your session has expired. Please login again." },
  masterExpired: {
    code: "390114",
    message: "Authentication token has expired.  The user must authenticate again.",
  },
} as const satisfies Record<string, Refusal>;

/** Results are kept this long; Snowflake keeps them a day. */
const RESULT_VALIDITY_MS = 60 * 60 * 1000;
/** Tokens of ended sessions that are still told apart from tokens that never were. */
const GONE_TOKENS_MAX = 10_000;

/** All sessions of the server and their tokens. */
export class Sessions implements AsyncDisposable {
  readonly limits: SessionLimits;
  readonly #store: ChunkStore;
  readonly #open = new Map<number, OpenSession>();
  /** Every token a session ever had; only its latest is valid, the others have expired. */
  readonly #byToken = new Map<string, OpenSession>();
  readonly #byMasterToken = new Map<string, OpenSession>();
  readonly #goneTokens = new Set<string>();
  readonly #closing = new Set<Promise<void>>();
  /** Snowflake's session ids are large numbers too, but exact as a JavaScript number. */
  #nextId = Date.now() * 1000;

  constructor(store: ChunkStore, limits: SessionLimits) {
    this.#store = store;
    this.limits = limits;
  }

  get count(): number {
    return this.#open.size;
  }

  open(user: string, engine: EngineSession, clientParameters: Scalars): Session & Tokens {
    const session: OpenSession = {
      id: this.#nextId++,
      user,
      engine,
      queries: new QueryLog(this.#store),
      clientParameters,
      tokens: newTokens(),
      tokenEndsAt: 0,
      masterEndsAt: 0,
    };
    this.#open.set(session.id, session);
    this.#issue(session, session.tokens);
    return { ...session, ...session.tokens };
  }

  admit(token: string | null): Admission {
    if (token === null) return { refusal: REFUSALS.missing };
    const session = this.#byToken.get(token);
    if (session === undefined) return { refusal: this.#refuseUnknown(token) };
    const expired = token !== session.tokens.token || session.tokenEndsAt <= Date.now();
    return expired ? { refusal: REFUSALS.expired } : { session };
  }

  /** New tokens for a session, against its master token. */
  renew(masterToken: string | null): (Session & Tokens) | Refusal {
    if (masterToken === null) return REFUSALS.missing;
    const session = this.#byMasterToken.get(masterToken);
    if (session === undefined) return this.#refuseUnknown(masterToken);
    if (session.masterEndsAt <= Date.now()) return REFUSALS.masterExpired;
    this.#byMasterToken.delete(masterToken);
    this.#issue(session, newTokens());
    return { ...session, ...session.tokens };
  }

  /** A heartbeat keeps the session renewable. */
  prolong(session: Session): void {
    const open = this.#open.get(session.id);
    if (open !== undefined)
      open.masterEndsAt = Date.now() + this.limits.masterValiditySeconds * 1000;
  }

  /** A query of this user, in whatever session it was started. */
  findQuery(id: string, user: string): Query | undefined {
    for (const session of this.#open.values()) {
      const query = session.user === user ? session.queries.findById(id) : undefined;
      if (query !== undefined) return query;
    }
    return undefined;
  }

  /**
   * Ends a session: its statements are cancelled, its results freed, what is open in it rolled back.
   * Its tokens open nothing any more as soon as this is called.
   */
  async close(session: Session): Promise<void> {
    if (!this.#open.delete(session.id)) return;
    this.#forgetTokens(session.id);
    const closing = endSession(session);
    this.#closing.add(closing);
    await closing.finally(() => this.#closing.delete(closing));
  }

  /** The next call with a session's token is told that it has expired (390112). */
  expireTokens(): void {
    for (const session of this.#open.values()) session.tokenEndsAt = 0;
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.values()].map((session) => this.close(session)));
    await Promise.all(this.#closing);
  }

  /** Frees results that are old, and closes sessions that nobody can renew any more and that run nothing. */
  async sweep(): Promise<void> {
    const now = Date.now();
    for (const session of this.#open.values()) {
      session.queries.expireResults(now - RESULT_VALIDITY_MS);
      const dead = session.masterEndsAt <= now && session.tokenEndsAt <= now;
      if (dead && session.queries.running.length === 0) await this.close(session);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeAll();
  }

  #issue(session: OpenSession, tokens: Tokens): void {
    session.tokens = tokens;
    session.tokenEndsAt = Date.now() + this.limits.sessionValiditySeconds * 1000;
    this.#byToken.set(tokens.token, session);
    this.#byMasterToken.set(tokens.masterToken, session);
    this.prolong(session);
  }

  #refuseUnknown(token: string): Refusal {
    return this.#goneTokens.has(token) ? REFUSALS.gone : REFUSALS.unknown;
  }

  #forgetTokens(sessionId: number): void {
    for (const index of [this.#byToken, this.#byMasterToken]) {
      for (const [token, session] of index) {
        if (session.id !== sessionId) continue;
        index.delete(token);
        this.#goneTokens.add(token);
      }
    }
    for (const token of this.#goneTokens) {
      if (this.#goneTokens.size <= GONE_TOKENS_MAX) break;
      this.#goneTokens.delete(token);
    }
  }
}

async function endSession(session: Session): Promise<void> {
  for (const query of session.queries.running) query.cancel();
  await session.engine.close();
  session.queries.expireAll();
}

function newTokens(): Tokens {
  return { token: newToken(), masterToken: newToken() };
}

/** Snowflake's tokens start like this too ("ver:3-hint:..."). */
function newToken(): string {
  return `ver:3-hint:local-${randomBytes(48).toString("base64url")}`;
}
