import { createHash } from "node:crypto";
import type { ByteSink, CreateRenderer, Renderers } from "../../src/render/renderer.ts";
import type { Channel } from "../../src/report/delivery.ts";
import { ReportError } from "../../src/report/errors.ts";
import type { Message } from "../../src/report/message.ts";
import type { Table } from "../../src/report/table.ts";
import type {
  Clock,
  DeliveryClaim,
  Heartbeat,
  Query,
  QueryResult,
  Sender,
  Senders,
  Store,
  Warehouse,
} from "../../src/worker/ports.ts";
import { aTable } from "./factories.ts";

export type Answer = (query: Query, signal: AbortSignal) => QueryResult | Promise<QueryResult>;

export interface FakeWarehouse extends Warehouse {
  readonly queries: Query[];
  /** Statements that were cancelled because the caller aborted. */
  readonly cancelled: Query[];
  answer: Answer;
}

/** Answers every query with a fresh small table unless told otherwise. An abort cancels, as the port says. */
export function createWarehouse(answer: Answer = () => tableAnswer(aTable())): FakeWarehouse {
  const warehouse: FakeWarehouse = {
    queries: [],
    cancelled: [],
    answer,
    query: async (query, signal) => {
      warehouse.queries.push(query);
      const aborted = whenAborted(signal, () => warehouse.cancelled.push(query));
      return await Promise.race([aborted, Promise.resolve(warehouse.answer(query, signal))]);
    },
  };
  return warehouse;
}

function whenAborted(signal: AbortSignal, onAbort: () => void): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = (): void => {
    onAbort();
    reject(signal.reason);
  };
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  // A query that is over is not raced any more.
  promise.catch(() => undefined);
  return promise;
}

export function tableAnswer(table: Table, queryId = "query-1"): QueryResult {
  return { queryId, table, dataAsOf: new Date("2026-03-02T10:00:00Z") };
}

/** An answer that never comes: only an abort ends it. */
export async function hangingAnswer(): Promise<never> {
  return await new Promise<never>(() => undefined);
}

export function failingAnswer(error: ReportError): Answer {
  return () => {
    throw error;
  };
}

export interface FakeStore extends Store {
  /** By uri. */
  readonly files: Map<string, Uint8Array>;
  /** Keys, in order; those of previews are left out. */
  readonly puts: string[];
  /** Thrown by the next puts, one each. */
  readonly putFailures: Error[];
  /** Thrown by every read while it is set. */
  readFailure: ReportError | null;
}

/** Keeps the files in memory, and refuses one whose size or hash is not what was said of it. */
export function createStore(): FakeStore {
  const store: FakeStore = {
    files: new Map(),
    puts: [],
    putFailures: [],
    readFailure: null,
    put: async (file, signal) => {
      if (!file.key.endsWith(".preview.json")) store.puts.push(file.key);
      signal.throwIfAborted();
      const failure = store.putFailures.shift();
      if (failure !== undefined) throw failure;
      const bytes = await Bun.file(file.path).bytes();
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      if (bytes.byteLength !== file.sizeBytes || sha256 !== file.sha256) {
        throw new ReportError("store_failed", `${file.key} is not what was said of it`);
      }
      const uri = `memory://${file.key}`;
      store.files.set(uri, bytes);
      return { uri };
    },
    read: async (uri) => {
      await Promise.resolve();
      if (store.readFailure !== null) throw store.readFailure;
      const bytes = store.files.get(uri);
      if (bytes === undefined) {
        throw new ReportError("store_failed", `${uri} is not there`, { retryable: false });
      }
      return bytes;
    },
    link: async (artifact) => {
      await Promise.resolve();
      return `https://files.example/${artifact.fileName}?a=1&b=2`;
    },
  };
  return store;
}

export interface SentMessage {
  readonly delivery: DeliveryClaim;
  readonly message: Message;
}

export interface FakeSenders extends Senders {
  /** What the providers took, in order. */
  readonly sent: SentMessage[];
  /** Thrown by every send of a channel while it is set. */
  readonly failures: Partial<Record<Channel, Error>>;
  /** What a provider says when asked for a delivery; by default nobody can tell. */
  readonly found: Partial<Record<Channel, (deliveryId: string) => string | null | undefined>>;
}

export function createSenders(): FakeSenders {
  const sent: SentMessage[] = [];
  const failures: FakeSenders["failures"] = {};
  const found: FakeSenders["found"] = {};
  const sender = (channel: Channel): Sender => ({
    send: async (delivery, message) => {
      await Promise.resolve();
      const failure = failures[channel];
      if (failure !== undefined) throw failure;
      sent.push({ delivery, message });
      return `${channel}-${sent.length}`;
    },
    find: async (deliveryId) => {
      await Promise.resolve();
      return found[channel]?.(deliveryId);
    },
  });
  return {
    sent,
    failures,
    found,
    EMAIL: sender("EMAIL"),
    SNS: sender("SNS"),
    SLACK: sender("SLACK"),
  };
}

export interface FakeHeartbeat extends Heartbeat {
  readonly active: boolean;
  /** How often it was told that work moves. */
  readonly progressCount: number;
  /** A beat reaches the database now. */
  beat(): void;
}

/** Beats only when told to. `onBeat` writes the beat where other workers see it. */
export function createHeartbeat(clock: Clock, onBeat: () => void = () => undefined): FakeHeartbeat {
  let active = false;
  let progressCount = 0;
  let beatMs = clock.monotonicMs();
  return {
    get active() {
      return active;
    },
    get progressCount() {
      return progressCount;
    },
    beat: () => {
      beatMs = clock.monotonicMs();
      onBeat();
    },
    setActive: (wanted) => {
      if (wanted && !active) beatMs = clock.monotonicMs();
      active = wanted;
    },
    progress: () => {
      progressCount += 1;
    },
    ageMs: () => clock.monotonicMs() - beatMs,
    [Symbol.asyncDispose]: async () => {
      active = false;
      await Promise.resolve();
    },
  };
}

export interface RendererFaults {
  readonly begin?: Error;
  readonly rows?: Error;
  readonly finish?: Error;
  /** Says that it took this many rows fewer than it did. */
  readonly drops?: number;
}

/** A format of this test: column names in the first line, each row as JSON in one more. */
export function plainRenderer(faults: RendererFaults = {}): CreateRenderer {
  return (_context, sink) => {
    let rowCount = 0;
    return {
      begin: async (columns) => {
        if (faults.begin !== undefined) throw faults.begin;
        await writeLine(sink, columns.map((column) => column.name).join(" "));
      },
      rows: async (batch) => {
        if (faults.rows !== undefined) throw faults.rows;
        for (const row of batch) await writeLine(sink, JSON.stringify(row));
        rowCount += batch.length;
      },
      finish: async () => {
        if (faults.finish !== undefined) throw faults.finish;
        await Promise.resolve();
        return { rowCount: rowCount - (faults.drops ?? 0), warnings: [] };
      },
    };
  };
}

async function writeLine(sink: ByteSink, line: string): Promise<void> {
  await sink.write(new TextEncoder().encode(`${line}\n`));
}

export function plainRenderers(changes: Partial<Renderers> = {}): Renderers {
  const renderer = plainRenderer();
  return { PDF: renderer, EXCEL: renderer, CSV: renderer, PARQUET: renderer, ...changes };
}
