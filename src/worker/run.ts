import { createHash } from "node:crypto";
import type { Presentation, Renderers } from "../render/renderer.ts";
import type { Report } from "../report/request.ts";
import type { Claim, Clock, Heartbeat, Queue, RunFacts, Stage, Store, Warehouse } from "./ports.ts";

export interface ExecutePorts {
  readonly queue: Queue;
  readonly warehouse: Warehouse;
  readonly store: Store;
  /** Null: the warehouse writes no files. */
  readonly stage: Stage | null;
  readonly renderers: Renderers;
  readonly heartbeat: Pick<Heartbeat, "progress" | "ageMs">;
  readonly clock: Clock;
  readonly onProgress: (progress: Progress) => void;
}

export interface ExecuteSettings {
  /** Files are made in a folder of the run below this one. */
  readonly scratchFolder: string;
  readonly queryTimeoutSeconds: number;
  readonly presentation: Presentation;
  /** A CSV file of more rows is written by the warehouse. */
  readonly pushDownRows: number;
  /** Told of a failure when the report names no owner. */
  readonly operatorEmail: string | null;
  /** A beat older than this means that another worker may soon own the report. */
  readonly selfFenceMs: number;
}

/** Where a run is, for whoever watches. */
export interface Progress {
  readonly claim: Claim;
  readonly phase: "check" | "query" | "split" | "unload" | "render" | "store" | "settle";
  readonly rowCount: number;
  /** Of all files of the run, while they are made. */
  readonly sizeBytes: number;
  readonly rowsTotal: number | null;
  /** Of a burst: which of its recipients this is for, from 1. */
  readonly recipient: RecipientPlace | null;
}

export interface RecipientPlace {
  readonly number: number;
  readonly total: number;
}

/** One attempt at a report, and what has become known of it so far. */
export interface Run {
  readonly claim: Claim;
  readonly ports: ExecutePorts;
  readonly settings: ExecuteSettings;
  readonly signal: AbortSignal;
  readonly facts: { -readonly [Name in keyof RunFacts]: RunFacts[Name] };
  /** Null until the row has been read as a report. */
  report: Report | null;
  /** Set while something is made for one recipient of a burst. */
  readonly recipient: RecipientPlace | null;
  /** The folder of the stage that holds files of this run; null: the warehouse wrote none. */
  unloaded: string | null;
}

export function startRun(
  claim: Claim,
  ports: ExecutePorts,
  settings: ExecuteSettings,
  signal: AbortSignal,
): Run {
  const sqlSha256 = createHash("sha256").update(claim.row.reportSql).digest("hex");
  const facts: Run["facts"] = {
    scheduledFor: null,
    missed: [],
    queryId: null,
    rowCount: null,
    queryMs: null,
    renderMs: null,
    storeMs: null,
    warnings: [],
    sqlSha256,
    parameters: null,
    dataAsOf: null,
    resultSha256: null,
    reason: null,
  };
  return { claim, ports, settings, signal, facts, report: null, recipient: null, unloaded: null };
}

export function reportProgress(
  run: Run,
  phase: Progress["phase"],
  rowCount: number,
  sizeBytes = 0,
): void {
  const { claim, ports, facts, recipient } = run;
  ports.heartbeat.progress();
  ports.onProgress({ claim, phase, rowCount, sizeBytes, rowsTotal: facts.rowCount, recipient });
}
