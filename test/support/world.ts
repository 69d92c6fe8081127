import { DEFAULT_PRESENTATION } from "../../src/render/renderer.ts";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Renderers } from "../../src/render/renderer.ts";
import type { ReportRow } from "../../src/report/request.ts";
import type { WorkerEvent } from "../../src/worker/events.ts";
import type { Scaling } from "../../src/worker/attendance.ts";
import { execute, type Executed } from "../../src/worker/execute.ts";
import type { LoopPorts, LoopSettings } from "../../src/worker/loop.ts";
import type { Claim, Stage } from "../../src/worker/ports.ts";
import type { Progress } from "../../src/worker/run.ts";
import { createClock, type FakeClock, type FakeClockOptions } from "./clock.ts";
import {
  createDatabase,
  type Database,
  type StoredDelivery,
  type StoredReport,
  type StoredRun,
  WORKER,
  type Worker,
} from "./database.ts";
import {
  createHeartbeat,
  createSenders,
  createStore,
  createWarehouse,
  type FakeHeartbeat,
  type FakeSenders,
  type FakeStore,
  type FakeWarehouse,
  plainRenderers,
} from "./fakes.ts";

/** A worker with nothing real around it but a scratch folder. */
export interface World extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly database: Database;
  readonly warehouse: FakeWarehouse;
  readonly store: FakeStore;
  readonly senders: FakeSenders;
  readonly heartbeat: FakeHeartbeat;
  readonly ports: LoopPorts;
  readonly settings: LoopSettings;
  readonly events: WorkerEvent[];
  readonly progress: Progress[];
  /** The ports of another worker on the same database, with a heartbeat and events of its own. */
  another(worker: Worker): { ports: LoopPorts; heartbeat: FakeHeartbeat; events: WorkerEvent[] };
  /** Adds a report and claims it as the queue does. */
  claim(row?: Partial<ReportRow>, columns?: Partial<Omit<StoredReport, "row">>): Promise<Claim>;
  /** Claims what is due, whichever it is. */
  claimDue(): Promise<Claim>;
  run(claim: Claim, signal?: AbortSignal): Promise<Executed>;
  report(configId?: string): StoredReport;
  runs(): StoredRun[];
  deliveries(): StoredDelivery[];
}

export interface WorldOptions {
  readonly clock?: FakeClockOptions;
  readonly renderers?: Partial<Renderers>;
  readonly settings?: Partial<LoopSettings>;
  readonly scaling?: Scaling;
  readonly stage?: Stage;
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const clock = createClock(options.clock);
  const database = createDatabase(clock);
  const warehouse = createWarehouse();
  const store = createStore();
  const senders = createSenders();
  const renderers = plainRenderers(options.renderers);
  const scratchFolder = await mkdtemp(join(tmpdir(), "report-service-test-"));
  const shared = { warehouse, store, stage: options.stage ?? null, senders, renderers, clock };

  const another: World["another"] = (worker) => {
    const events: WorkerEvent[] = [];
    const heartbeat = createHeartbeat(clock, () => database.beat(worker));
    const tell = (event: WorkerEvent): void => void events.push(event);
    const queue = database.queueOf(worker);
    const ledger = database.ledgerOf(worker);
    const ports = { ...shared, queue, ledger, heartbeat, tell, scaling: options.scaling ?? null };
    return { ports, heartbeat, events };
  };
  const { ports, heartbeat, events } = another(WORKER);
  const settings: LoopSettings = {
    scratchFolder,
    queryTimeoutSeconds: 900,
    pushDownRows: 5_000_000,
    presentation: DEFAULT_PRESENTATION,
    operatorEmail: null,
    selfFenceMs: 240_000,
    attachmentBytesMax: 7_000_000,
    concurrency: 2,
    pollIntervalMs: 60_000,
    superviseIntervalMs: 5_000,
    idleGraceMs: 60_000,
    observeIntervalMs: 60_000,
    protectionRenewMs: 3_600_000,
    once: false,
    ...options.settings,
  };
  const progress: Progress[] = [];

  const claimDue: World["claimDue"] = async () => {
    const [candidate] = await ports.queue.candidates("any", 1);
    if (candidate === undefined) throw new Error("nothing is due");
    const claim = await ports.queue.claimIfUnchanged(candidate);
    if (claim === null) throw new Error("somebody was faster");
    heartbeat.setActive(true);
    return claim;
  };
  return {
    ...shared,
    database,
    heartbeat,
    ports,
    settings,
    events,
    progress,
    another,
    claimDue,
    claim: async (row, columns) => {
      database.add(row, columns);
      return await claimDue();
    },
    run: async (claim, signal = new AbortController().signal) => {
      const onProgress = (step: Progress): void => void progress.push(step);
      return await execute(claim, { ...ports, onProgress }, settings, signal);
    },
    report: (configId = "report-1") => {
      const report = database.reports.get(configId);
      if (report === undefined) throw new Error(`there is no ${configId}`);
      return report;
    },
    runs: () => [...database.runs.values()],
    deliveries: () => [...database.deliveries.values()],
    [Symbol.asyncDispose]: async () => await rm(scratchFolder, { recursive: true, force: true }),
  };
}
