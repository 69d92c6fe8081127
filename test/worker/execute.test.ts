import { describe, expect, test } from "bun:test";
import type { ErrorCode, ReportError } from "../../src/report/errors.ts";
import type { Outcome } from "../../src/report/outcome.ts";
import type { Answer } from "../support/fakes.ts";
import { failingAnswer, hangingAnswer, plainRenderer, tableAnswer } from "../support/fakes.ts";
import { anError, aTable, DAILY_AT_NINE } from "../support/factories.ts";
import { until } from "../support/clock.ts";
import { createWorld, type World, type WorldOptions } from "../support/world.ts";

const NINE = Date.parse("2026-03-02T09:00:00Z");

function textOf(world: World, uri: string | undefined): string {
  return new TextDecoder().decode(world.store.files.get(uri ?? "missing"));
}

describe("a report that works", () => {
  test("goes from its claim to files, a settled run and owed messages", async () => {
    await using world = await createWorld();
    const claim = await world.claim({
      outputFormat: "PDF,CSV",
      emailRecipients: "reader@example.com",
    });
    const { outcome, facts } = await world.run(claim);

    expect(outcome.kind).toBe("completed");
    expect(facts).toMatchObject({ queryId: "query-1", rowCount: 2, scheduledFor: null });
    expect(world.report()).toMatchObject({ status: "COMPLETED", token: null, lastError: null });
    const [run] = world.runs();
    expect(run).toMatchObject({ outcome: "COMPLETED", rowCount: 2, queryId: "query-1" });
    expect(
      run?.artifacts.map(({ format, fileName, rowCount }) => [format, fileName, rowCount]),
    ).toEqual([
      ["PDF", "daily-sales-2026-03-02.pdf", 2],
      ["CSV", "daily-sales-2026-03-02.csv", 2],
    ]);
    for (const artifact of run?.artifacts ?? []) {
      const text = textOf(world, artifact.uri);
      expect(text).toBe('ID NAME\n["1","one"]\n["2",null]\n');
      expect(artifact.sizeBytes).toBe(text.length);
      expect(artifact.sha256).toBe(new Bun.CryptoHasher("sha256").update(text).digest("hex"));
    }
    expect(world.deliveries().map(({ target, state }) => [target, state])).toEqual([
      ["reader@example.com", "NEW"],
    ]);
  });

  test("its query carries the binds, the limit, the zone and a tag to find it by", async () => {
    await using world = await createWorld();
    const claim = await world.claim({
      reportSql: "SELECT :year AS Y",
      parameters: `{"year": 2026}`,
      timezone: "Europe/Berlin",
    });
    await world.run(claim);
    expect(world.warehouse.queries).toEqual([
      {
        sql: "SELECT ? AS Y",
        binds: [2026],
        timeoutSeconds: 900,
        timezone: "Europe/Berlin",
        tag: { app: "report-service", report: "report-1", run: claim.runId, attempt: "1" },
      },
    ]);
  });

  test("the keys of its files have the fence in them", async () => {
    await using world = await createWorld();
    const claim = await world.claim({}, { fence: 6 });
    await world.run(claim);
    expect(world.store.puts).toEqual([`report-1/f7-${claim.runId}/daily-sales-2026-03-02.csv`]);
  });

  test("each phase is told, and the heartbeat knows that work moves", async () => {
    await using world = await createWorld();
    world.warehouse.answer = () =>
      tableAnswer(
        aTable({
          rows: [
            ["1", "a"],
            ["2", "b"],
            ["3", "c"],
          ],
          batchSize: 2,
        }),
      );
    await world.run(await world.claim());
    expect(
      world.progress.map(({ phase, rowCount, rowsTotal }) => [phase, rowCount, rowsTotal]),
    ).toEqual([
      ["query", 0, null],
      ["render", 2, 3],
      ["render", 3, 3],
      ["store", 3, 3],
      ["settle", 3, 3],
    ]);
    expect(world.heartbeat.progressCount).toBeGreaterThanOrEqual(5);
  });

  test("no rows are a file with a head, not an error", async () => {
    await using world = await createWorld();
    world.warehouse.answer = () => tableAnswer(aTable({ rows: [] }));
    const { outcome } = await world.run(await world.claim());
    expect(outcome.kind).toBe("completed");
    expect(textOf(world, world.runs()[0]?.artifacts[0]?.uri)).toBe("ID NAME\n");
  });

  test("a SCHEDULED one is filed under its occurrence and planned for the next", async () => {
    await using world = await createWorld();
    const claim = await world.claim(DAILY_AT_NINE, { nextRunAt: NINE - 2 * 86_400_000 });
    const { facts } = await world.run(claim);
    expect(facts.scheduledFor).toEqual(new Date(NINE));
    expect(world.report()).toMatchObject({
      status: "PENDING",
      attempt: 0,
      nextRunAt: NINE + 86_400_000,
    });
    const missed = world.runs().filter((run) => run.outcome === "MISSED");
    expect(missed.map((run) => run.scheduledFor?.getTime())).toEqual([
      NINE - 2 * 86_400_000,
      NINE - 86_400_000,
    ]);
  });

  test("a SCHEDULED one is named after the day of its occurrence, not of its making", async () => {
    await using world = await createWorld({ clock: { startAt: "2026-03-02T00:10:00Z" } });
    const row = { reportType: "SCHEDULED", scheduleCron: "50 23 * * *" };
    await world.run(
      await world.claim(row, { nextRunAt: Date.parse("2026-03-01T23:50:00Z"), createdAt: 0 }),
    );
    expect(world.runs()[0]?.artifacts[0]?.fileName).toBe("daily-sales-2026-03-01.csv");
  });

  test("an occurrence that its misfire policy drops runs no query", async () => {
    await using world = await createWorld();
    const claim = await world.claim(
      { ...DAILY_AT_NINE, misfirePolicy: "SKIP" },
      { nextRunAt: NINE },
    );
    const { outcome } = await world.run(claim);
    expect(outcome.kind).toBe("missed");
    expect(world.warehouse.queries).toEqual([]);
    expect(world.runs()).toMatchObject([{ outcome: "MISSED", scheduledFor: new Date(NINE) }]);
    expect(world.report()).toMatchObject({ status: "PENDING", nextRunAt: NINE + 86_400_000 });
  });
});

describe("a report that fails", () => {
  const inQuery = (error: ReportError) => (world: World) => {
    world.warehouse.answer = failingAnswer(error);
  };
  const cases: [
    string,
    WorldOptions,
    (world: World) => void,
    Outcome["kind"],
    ErrorCode,
    "PENDING" | "FAILED",
  ][] = [
    ["the statement", {}, inQuery(anError("query_failed")), "failed", "query_failed", "FAILED"],
    [
      "the statement's time",
      {},
      inQuery(anError("query_timeout")),
      "retry",
      "query_timeout",
      "PENDING",
    ],
    [
      "the warehouse",
      {},
      inQuery(anError("warehouse_unavailable")),
      "postponed",
      "warehouse_unavailable",
      "PENDING",
    ],
    ["the login", {}, inQuery(anError("login_refused")), "retry", "login_refused", "PENDING"],
    [
      "rows that are lost on the way",
      {},
      (world) => {
        world.warehouse.answer = () => tableAnswer(aTable({ reported: 3 }));
      },
      "retry",
      "rows_missing",
      "PENDING",
    ],
    [
      "making a renderer",
      {
        renderers: {
          CSV: () => {
            throw new Error("no font");
          },
        },
      },
      () => undefined,
      "failed",
      "render_failed",
      "FAILED",
    ],
    [
      "beginning a file",
      { renderers: { CSV: plainRenderer({ begin: new Error("no") }) } },
      () => undefined,
      "failed",
      "render_failed",
      "FAILED",
    ],
    [
      "writing rows",
      { renderers: { CSV: plainRenderer({ rows: new Error("no") }) } },
      () => undefined,
      "failed",
      "render_failed",
      "FAILED",
    ],
    [
      "finishing a file",
      { renderers: { CSV: plainRenderer({ finish: new Error("no") }) } },
      () => undefined,
      "failed",
      "render_failed",
      "FAILED",
    ],
    [
      "a full disk",
      {
        renderers: {
          CSV: plainRenderer({ rows: Object.assign(new Error("x"), { code: "ENOSPC" }) }),
        },
      },
      () => undefined,
      "retry",
      "render_failed",
      "PENDING",
    ],
    [
      "a limit of the format",
      { renderers: { CSV: plainRenderer({ begin: anError("too_many_rows") }) } },
      () => undefined,
      "failed",
      "too_many_rows",
      "FAILED",
    ],
    [
      "a row that a renderer drops",
      { renderers: { CSV: plainRenderer({ drops: 1 }) } },
      () => undefined,
      "retry",
      "rows_missing",
      "PENDING",
    ],
    [
      "the store",
      {},
      (world) => void world.store.putFailures.push(anError("store_failed")),
      "retry",
      "store_failed",
      "PENDING",
    ],
    [
      "a defect",
      {},
      (world) => void world.store.putFailures.push(new TypeError("x is undefined")),
      "retry",
      "internal",
      "PENDING",
    ],
  ];

  test.each(cases)("%s", async (_what, options, arrange, kind, code, status) => {
    await using world = await createWorld(options);
    const claim = await world.claim();
    arrange(world);
    const { outcome } = await world.run(claim);
    expect(outcome).toMatchObject({ kind, error: { code } });
    expect(world.report().status).toBe(status);
    expect(world.report().lastError).toStartWith(`${code}: `);
    expect(world.runs()).toMatchObject([
      { outcome: status === "FAILED" ? "FAILED" : "RETRY", errorCode: code, artifacts: [] },
    ]);
    expect(world.deliveries().map(({ target, kind }) => [target, kind])).toEqual(
      status === "FAILED" ? [["owner@example.com", "FAILURE"]] : [],
    );
  });

  test("at its last attempt for good", async () => {
    await using world = await createWorld();
    world.warehouse.answer = failingAnswer(anError("query_timeout"));
    const { outcome } = await world.run(await world.claim({ maxAttempts: 3 }, { attempt: 2 }));
    expect(outcome.kind).toBe("failed");
    expect(world.report()).toMatchObject({ status: "FAILED", attempt: 3 });
  });

  test("through an outage of the warehouse burns no attempt", async () => {
    await using world = await createWorld();
    world.warehouse.answer = failingAnswer(anError("warehouse_unavailable"));
    const { outcome } = await world.run(await world.claim({ maxAttempts: 1 }));
    expect(outcome.kind).toBe("postponed");
    expect(world.report()).toMatchObject({ status: "PENDING", attempt: 0 });
  });

  test("for a wrong row tells its owner, runs no query and names the columns", async () => {
    await using world = await createWorld();
    await world.run(await world.claim({ outputFormat: "DOCX", timezone: "Mars/Base" }));
    expect(world.warehouse.queries).toEqual([]);
    expect(world.report().status).toBe("FAILED");
    expect(world.report().lastError).toMatch(/^invalid_report: .*TIMEZONE.*OUTPUT_FORMAT/);
    expect(world.deliveries()).toMatchObject([{ target: "owner@example.com", kind: "FAILURE" }]);
  });

  test("without an owner is told to the operator, if there is one", async () => {
    for (const operatorEmail of ["operator@example.com", null]) {
      await using world = await createWorld({ settings: { operatorEmail } });
      world.warehouse.answer = failingAnswer(anError("query_failed"));
      await world.run(await world.claim({ ownerEmail: "not an address" }));
      await world.run(await world.claim({ ownerEmail: null, configId: "report-2" }));
      const told = world.deliveries().map((delivery) => delivery.target);
      expect(told).toEqual(operatorEmail === null ? [] : [operatorEmail, operatorEmail]);
    }
  });

  test("after three dead workers is not tried again", async () => {
    await using world = await createWorld();
    const { outcome } = await world.run(await world.claim({}, { crashCount: 3 }));
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "crashed" } });
    expect(world.warehouse.queries).toEqual([]);
  });

  test("when rows share its CONFIG_ID", async () => {
    await using world = await createWorld();
    const claim = { ...(await world.claim()), rowsClaimed: 2 };
    const { outcome } = await world.run(claim);
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "invalid_report" } });
    expect(world.report().lastError).toContain("CONFIG_ID: 2 rows have");
  });

  test("keeps what was known of it: query, rows, times", async () => {
    await using world = await createWorld();
    world.store.putFailures.push(anError("store_failed"));
    const { facts } = await world.run(await world.claim());
    expect(facts).toMatchObject({ queryId: "query-1", rowCount: 2, queryMs: 0, renderMs: 0 });
    expect(facts.storeMs).toBeNull();
    expect(world.runs()[0]).toMatchObject({ queryId: "query-1", rowCount: 2 });
  });

  test("an open file of a renderer that could not be made is closed", async () => {
    if (process.platform !== "linux") return;
    await using world = await createWorld({
      renderers: {
        CSV: () => {
          throw new Error("no font");
        },
      },
    });
    await world.run(await world.claim({ outputFormat: "PDF,CSV" }));
    const links = [...new Bun.Glob("*").scanSync({ cwd: "/proc/self/fd", onlyFiles: false })];
    const { readlink } = await import("node:fs/promises");
    const open = await Promise.all(
      links.map((link) => readlink(`/proc/self/fd/${link}`).catch(() => "")),
    );
    expect(open.filter((path) => path.startsWith(world.settings.scratchFolder))).toEqual([]);
  });
});

describe("a report that is stopped", () => {
  const reasons = [
    ["cancelled", "cancelled", "CANCELLED", 1],
    ["interrupted", "interrupted", "PENDING", 0],
  ] as const;

  test.each(reasons)(
    "%s while the warehouse works: the query is cancelled there",
    async (code, kind, status, attempt) => {
      await using world = await createWorld();
      world.warehouse.answer = hangingAnswer;
      const controller = new AbortController();
      const running = world.run(await world.claim(), controller.signal);
      await until(() => world.warehouse.queries.length === 1);
      controller.abort(anError(code));
      expect((await running).outcome.kind).toBe(kind);
      expect(world.warehouse.cancelled).toHaveLength(1);
      expect(world.report()).toMatchObject({ status, attempt });
      expect(world.runs()).toMatchObject([{ outcome: code.toUpperCase(), artifacts: [] }]);
    },
  );

  test.each(reasons)("%s between two batches of rows", async (code, kind) => {
    await using world = await createWorld();
    const controller = new AbortController();
    const beforeBatch = (given: number): void => {
      if (given === 2) controller.abort(anError(code));
    };
    const rows = [
      ["1", "a"],
      ["2", "b"],
      ["3", "c"],
      ["4", "d"],
    ];
    world.warehouse.answer = () => tableAnswer(aTable({ rows, batchSize: 1, beforeBatch }));
    const { outcome } = await world.run(await world.claim(), controller.signal);
    expect(outcome.kind).toBe(kind);
    expect(world.progress.map(({ rowCount }) => rowCount)).toEqual([0, 1, 2, 4]);
    expect(world.store.puts).toEqual([]);
  });

  test("before it began runs no query", async () => {
    await using world = await createWorld();
    const signal = AbortSignal.abort(anError("interrupted"));
    const { outcome } = await world.run(await world.claim(), signal);
    expect(outcome.kind).toBe("interrupted");
    expect(world.warehouse.queries).toEqual([]);
    expect(world.report()).toMatchObject({ status: "PENDING", attempt: 0, interruptCount: 1 });
  });

  test("by a request that was there when it was claimed runs no query", async () => {
    await using world = await createWorld();
    const { outcome } = await world.run(await world.claim({}, { cancelRequested: true }));
    expect(outcome.kind).toBe("cancelled");
    expect(world.warehouse.queries).toEqual([]);
  });

  test("the reason of the abort counts, not what broke because of it", async () => {
    await using world = await createWorld();
    const controller = new AbortController();
    world.warehouse.answer = () => {
      controller.abort(anError("cancelled"));
      throw anError("query_failed");
    };
    const { outcome } = await world.run(await world.claim(), controller.signal);
    expect(outcome.kind).toBe("cancelled");
  });
});

describe("a lease that is lost", () => {
  /** Lets time pass until the lease is over, and another worker take the report. */
  async function takeOver(world: World): Promise<void> {
    await world.clock.advance(301_000);
    const other = world.another({ workerId: "worker-2", bootId: "b0070002" });
    const [candidate] = await other.ports.queue.candidates("any", 1);
    if (candidate === undefined) throw new Error("the lease is not over");
    expect(await other.ports.queue.claimIfUnchanged(candidate)).not.toBeNull();
  }

  test("to another worker while it runs: nothing is written, whatever it still believes", async () => {
    await using world = await createWorld();
    const claim = await world.claim({ emailRecipients: "reader@example.com" });
    const lateAnswer: Answer = async () => {
      await takeOver(world);
      // The zombie's own clock says that all is well.
      world.heartbeat.beat();
      return tableAnswer(aTable());
    };
    world.warehouse.answer = lateAnswer;
    const { outcome } = await world.run(claim);
    expect(outcome.kind).toBe("lease_lost");
    expect(world.report()).toMatchObject({ status: "PROCESSING", fence: 2, crashCount: 1 });
    expect(world.runs().map((run) => run.outcome)).toEqual(["LOST", null]);
    expect(world.deliveries()).toEqual([]);
    expect(world.runs().flatMap((run) => run.artifacts)).toEqual([]);
  });

  test("by a heartbeat that is too old: it gives up before it tries to write", async () => {
    await using world = await createWorld();
    const claim = await world.claim();
    world.warehouse.answer = async () => {
      await world.clock.advance(241_000);
      return tableAnswer(aTable());
    };
    let settles = 0;
    world.database.intercept = (step) => {
      if (step === "settle") settles += 1;
    };
    expect((await world.run(claim)).outcome.kind).toBe("lease_lost");
    expect(settles).toBe(0);
    expect(world.report().status).toBe("PROCESSING");
  });

  test("told by whoever looks after the worker: nothing is written", async () => {
    await using world = await createWorld();
    world.warehouse.answer = hangingAnswer;
    const controller = new AbortController();
    const running = world.run(await world.claim(), controller.signal);
    await until(() => world.warehouse.queries.length === 1);
    controller.abort(anError("lease_lost"));
    expect((await running).outcome.kind).toBe("lease_lost");
    expect(world.warehouse.cancelled).toHaveLength(1);
    expect(world.report().status).toBe("PROCESSING");
    expect(world.runs()).toMatchObject([{ outcome: null }]);
  });
});

describe("the settling write", () => {
  function failSettles(
    world: World,
    count: number,
    stage: "before" | "after",
    error: ReportError,
  ): () => number {
    let tries = 0;
    world.database.intercept = (step, at) => {
      if (step !== "settle" || at !== stage) return;
      tries += 1;
      if (tries <= count) throw error;
    };
    return () => tries;
  }

  test("is tried again through an outage, as long as the heartbeat is young", async () => {
    await using world = await createWorld({ clock: { sleepsAdvance: true } });
    const claim = await world.claim();
    const tries = failSettles(world, 4, "before", anError("warehouse_unavailable"));
    const { outcome } = await world.run(claim);
    expect(outcome.kind).toBe("completed");
    expect(tries()).toBe(5);
    expect(world.report().status).toBe("COMPLETED");
    expect(world.clock.monotonicMs()).toBe(20_000);
  });

  test("whose reply was lost is done once", async () => {
    await using world = await createWorld({ clock: { sleepsAdvance: true } });
    const claim = await world.claim({ emailRecipients: "reader@example.com" });
    failSettles(world, 1, "after", anError("warehouse_unavailable"));
    const { outcome } = await world.run(claim);
    expect(outcome.kind).toBe("completed");
    expect(world.report().status).toBe("COMPLETED");
    expect(world.deliveries()).toHaveLength(1);
  });

  test("is given up after a minute, or when the lease may be over: another worker takes the report", async () => {
    await using world = await createWorld({ clock: { sleepsAdvance: true } });
    const claim = await world.claim();
    const tries = failSettles(world, Infinity, "before", anError("warehouse_unavailable"));
    expect(await world.run(claim).catch((error: unknown) => error)).toMatchObject({
      code: "warehouse_unavailable",
    });
    expect(tries()).toBe(12);
    expect(world.report().status).toBe("PROCESSING");
  });

  test("that is refused is not tried again", async () => {
    await using world = await createWorld();
    const claim = await world.claim();
    const tries = failSettles(world, 1, "before", anError("query_failed"));
    expect(await world.run(claim).catch((error: unknown) => error)).toMatchObject({
      code: "query_failed",
    });
    expect(tries()).toBe(1);
  });
});

test("a report whose worker died runs the newest occurrence, as a first attempt would", async () => {
  await using world = await createWorld();
  const dead = await world.claim(DAILY_AT_NINE, { nextRunAt: NINE - 3 * 86_400_000 });
  await world.clock.advance(301_000);
  const { facts } = await world.run(await world.claimDue());
  expect(dead.attempt).toBe(1);
  expect(facts.scheduledFor).toEqual(new Date(NINE));
  expect(facts.missed).toHaveLength(3);
});

test("a retry after a failure keeps the occurrence that was chosen", async () => {
  await using world = await createWorld();
  world.store.putFailures.push(anError("store_failed"));
  await world.run(await world.claim(DAILY_AT_NINE, { nextRunAt: NINE - 86_400_000 }));
  expect(world.report()).toMatchObject({ status: "PENDING", nextRunAt: NINE, attempt: 1 });
  await world.clock.advance(20_000);
  const { outcome, facts } = await world.run(await world.claimDue());
  expect(outcome.kind).toBe("completed");
  expect(facts).toMatchObject({ scheduledFor: new Date(NINE), missed: [] });
  const outcomes = new Set(world.runs().map((run) => run.outcome));
  expect(outcomes).toEqual(new Set(["COMPLETED", "MISSED", "RETRY"]));
});
