import { ChunkStore } from "./chunks.ts";
import type { Engine } from "../engine.ts";
import { Sessions } from "./sessions.ts";
import { listen } from "./routes.ts";

export interface ServeOptions {
  /** 0, the default, is any free port. */
  readonly port?: number;
  /** The account a client must name at login; default "local". */
  readonly account?: string;
  /** How long a session token is valid before it must be renewed; default 3600. */
  readonly sessionValiditySeconds?: number;
  /** How long a session can be renewed; default 14400, as with Snowflake. */
  readonly masterValiditySeconds?: number;
  /** How long a call waits for a query before the client must ask again; default 45, at most 90 (the driver's limit). */
  readonly holdSeconds?: number;
  /** Rows up to this many bytes of JSON travel in the answer, the others in chunks; default 100,000. */
  readonly inlineBytesMax?: number;
  /** The largest chunk, uncompressed; default 8 MB. */
  readonly chunkBytesMax?: number;
}

/** A Snowflake account on this machine that any driver can connect to, until it is disposed. */
export interface LocalSnowflake extends AsyncDisposable {
  /** Such as "http://127.0.0.1:8085"; a driver's accessUrl. */
  readonly url: string;
  readonly port: number;
  readonly account: string;
  /** The next call of every session is told that its token has expired (390112): drivers renew and go on. */
  expireSessions(): void;
  /** Ends every session: the next call of each is told that it is gone (390111), which is fatal to a driver. */
  terminateSessions(): void;
}

const INLINE_BYTES_MAX = 100_000;
const CHUNK_BYTES_MAX = 8 * 1024 * 1024;
const SWEEP_MS = 60_000;
/** As Snowflake: a call is held 45 s. The driver gives up on one after 90 s. */
const HOLD_SECONDS = 45;

/** Serves an engine, which is closed with the server. */
export function serveSnowflake(engine: Engine, options: ServeOptions = {}): LocalSnowflake {
  const account = options.account ?? "local";
  const store = new ChunkStore();
  const sessions = new Sessions(store, {
    sessionValiditySeconds: options.sessionValiditySeconds ?? 3600,
    masterValiditySeconds: options.masterValiditySeconds ?? 14_400,
  });
  const server = listen(options.port ?? 0, {
    engine,
    sessions,
    store,
    account,
    holdSeconds: options.holdSeconds ?? HOLD_SECONDS,
    limits: {
      inlineBytesMax: options.inlineBytesMax ?? INLINE_BYTES_MAX,
      chunkBytesMax: options.chunkBytesMax ?? CHUNK_BYTES_MAX,
    },
  });
  const sweeper = setInterval(() => void sessions.sweep(), SWEEP_MS);
  sweeper.unref();
  return {
    url: server.url,
    port: server.port,
    account,
    expireSessions: () => sessions.expireTokens(),
    terminateSessions: () => void sessions.closeAll(),
    async [Symbol.asyncDispose]() {
      clearInterval(sweeper);
      await server.stop();
      await sessions[Symbol.asyncDispose]();
      await engine.close();
    },
  };
}
