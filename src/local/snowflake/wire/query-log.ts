import type { Chunk, ChunkStore } from "./chunks.ts";
import type { Refusal } from "./reply.ts";

/** How far a query is. Kept results come to an end: the statement is remembered, its rows are gone. */
export type QueryState =
  | { readonly status: "running" }
  | {
      readonly status: "succeeded";
      readonly dataJson: string;
      readonly chunks: readonly Chunk[];
      readonly endedAt: number;
    }
  | { readonly status: "failed"; readonly failure: Refusal; readonly endedAt: number }
  | { readonly status: "expired"; readonly endedAt: number };

export interface Query {
  readonly id: string;
  /** The client's name for it: the same one sent again is the same query. */
  readonly requestId: string | null;
  readonly sql: string;
  readonly sessionId: number;
  readonly startedAt: number;
  state: QueryState;
  /** Settles when the query ended, well or not; never rejects. */
  ended: Promise<void>;
  readonly cancel: () => void;
}

/** Results kept for each session: enough to come back for, few enough to bound the memory. */
const RESULTS_MAX = 16;
/** Compressed bytes of chunks kept for each session; the latest result is kept however large it is. */
const RESULT_BYTES_MAX = 256 * 1024 * 1024;
/** Queries remembered for each session, so that a request sent again does not run again. */
const QUERIES_MAX = 2000;

/** The queries of one session, oldest first. */
export class QueryLog {
  readonly #store: ChunkStore;
  readonly #byId = new Map<string, Query>();
  readonly #byRequestId = new Map<string, Query>();

  constructor(store: ChunkStore) {
    this.#store = store;
  }

  add(query: Query): void {
    this.#byId.set(query.id, query);
    if (query.requestId !== null) this.#byRequestId.set(query.requestId, query);
    this.#forgetOldest();
  }

  findById(id: string): Query | undefined {
    return this.#byId.get(id);
  }

  findByRequestId(requestId: string): Query | undefined {
    return this.#byRequestId.get(requestId);
  }

  get running(): readonly Query[] {
    return [...this.#byId.values()].filter((query) => query.state.status === "running");
  }

  /** Keeps the latest results within the limits and frees the others, and those that ended before `since`. */
  expireResults(since: number): void {
    let results = 0;
    let bytes = 0;
    for (const query of [...this.#byId.values()].reverse()) {
      if (query.state.status !== "succeeded") continue;
      results += 1;
      for (const chunk of query.state.chunks) bytes += chunk.compressedSize;
      const tooMany = results > RESULTS_MAX || (results > 1 && bytes > RESULT_BYTES_MAX);
      if (tooMany || query.state.endedAt < since) this.#expire(query);
    }
  }

  expireAll(): void {
    for (const query of this.#byId.values()) this.#expire(query);
  }

  #expire(query: Query): void {
    if (query.state.status !== "succeeded") return;
    this.#store.free(query.state.chunks);
    query.state = { status: "expired", endedAt: query.state.endedAt };
  }

  #forgetOldest(): void {
    for (const query of this.#byId.values()) {
      if (this.#byId.size <= QUERIES_MAX) return;
      if (query.state.status === "running") continue;
      this.#expire(query);
      this.#byId.delete(query.id);
      if (query.requestId !== null) this.#byRequestId.delete(query.requestId);
    }
  }
}
