import { describe, expect, test } from "bun:test";
import { ReportError } from "../../src/report/errors.ts";
import type { Stage, StagedFile, UnloadRequest } from "../../src/worker/ports.ts";
import { plainRenderer, tableAnswer } from "../support/fakes.ts";
import { aTable } from "../support/factories.ts";
import { createWorld, type World, type WorldOptions } from "../support/world.ts";

interface FakeStage extends Stage {
  readonly requests: UnloadRequest[];
  readonly removed: string[];
  answer: (request: UnloadRequest, signal: AbortSignal) => readonly StagedFile[];
  removeFailure: Error | null;
}

function stagedFile(key: string, rowCount = 2): StagedFile {
  return { uri: `snowflake://D.S.STAGE/${key}`, sizeBytes: 10, rowCount, sha256: "00" };
}

function createStage(): FakeStage {
  const stage: FakeStage = {
    requests: [],
    removed: [],
    answer: ({ key }) => [stagedFile(key)],
    removeFailure: null,
    unload: async (request, signal) => {
      stage.requests.push(request);
      await Promise.resolve();
      return { files: stage.answer(request, signal), guardedCells: 0 };
    },
    remove: async (prefix) => {
      stage.removed.push(prefix);
      await Promise.resolve();
      if (stage.removeFailure !== null) throw stage.removeFailure;
    },
    read: () => Promise.reject(new Error("nothing is read here")),
    link: () => Promise.reject(new Error("nothing is linked here")),
  };
  return stage;
}

async function createWorldOf(stage: FakeStage, options: WorldOptions = {}): Promise<World> {
  return await createWorld({
    stage,
    ...options,
    settings: { pushDownRows: 1, ...options.settings },
  });
}

describe("a CSV file of more rows than the limit", () => {
  test("is written by the warehouse, and no row is read here", async () => {
    const stage = createStage();
    await using world = await createWorldOf(stage);
    const refuseRead = (): never => {
      throw new Error("a row was read");
    };
    world.warehouse.answer = () => tableAnswer(aTable({ beforeBatch: refuseRead }));
    const claim = await world.claim({ outputFormat: "CSV,PARQUET" });
    const { outcome, facts } = await world.run(claim);
    expect(outcome.kind).toBe("completed");
    const folder = `report-1/f1-${claim.runId}`;
    expect(world.runs()[0]?.artifacts.map(({ uri, fileName }) => [uri, fileName])).toEqual([
      [`snowflake://D.S.STAGE/${folder}/daily-sales-2026-03-02.csv`, "daily-sales-2026-03-02.csv"],
      [
        `snowflake://D.S.STAGE/${folder}/daily-sales-2026-03-02.parquet`,
        "daily-sales-2026-03-02.parquet",
      ],
    ]);
    expect(world.store.puts).toEqual([]);
    expect(stage.removed).toEqual([]);
    expect(stage.requests[0]).toMatchObject({
      unload: { queryId: "query-1" },
      tag: { purpose: "unload" },
    });
    expect(facts.renderMs).not.toBeNull();
    expect(new Set(world.progress.map(({ phase }) => phase))).toContain("unload");
  });

  test.each([
    ["at the limit", { settings: { pushDownRows: 2 } }, undefined],
    ["that shall never be", {}, `{"pushDown": "never"}`],
  ])("is rendered %s", async (_, options, reportOptions) => {
    const stage = createStage();
    await using world = await createWorldOf(stage, options);
    const claim = await world.claim({ options: reportOptions ?? null });
    expect((await world.run(claim)).outcome.kind).toBe("completed");
    expect(stage.requests).toEqual([]);
    expect(world.store.puts).toHaveLength(1);
  });

  test("is pushed down below the limit when OPTIONS ask for it", async () => {
    const stage = createStage();
    await using world = await createWorldOf(stage, { settings: { pushDownRows: 1_000 } });
    await world.run(await world.claim({ options: `{"pushDown": "always"}` }));
    expect(stage.requests).toHaveLength(1);
  });

  test("comes as numbered files when there are several, and the audit says so", async () => {
    const stage = createStage();
    stage.answer = ({ key }) => [stagedFile(`${key}_0`, 1), stagedFile(`${key}_1`, 1)];
    await using world = await createWorldOf(stage);
    const { facts } = await world.run(await world.claim({ options: `{"csv": {"gzip": true}}` }));
    expect(world.runs()[0]?.artifacts.map(({ fileName }) => fileName)).toEqual([
      "daily-sales-2026-03-02-1.csv.gz",
      "daily-sales-2026-03-02-2.csv.gz",
    ]);
    expect(facts.warnings).toMatchObject([{ format: "CSV", code: "several_files", count: 2 }]);
  });
});

describe("what is in the stage", () => {
  test("is removed when rows are missing in it", async () => {
    const stage = createStage();
    stage.answer = ({ key }) => [stagedFile(key, 1)];
    await using world = await createWorldOf(stage);
    const claim = await world.claim();
    const { outcome } = await world.run(claim);
    expect(outcome).toMatchObject({ kind: "retry", error: { code: "rows_missing" } });
    expect(stage.removed).toEqual([`report-1/f1-${claim.runId}/`]);
  });

  test("is removed when another format fails", async () => {
    const stage = createStage();
    const renderers = { PDF: plainRenderer({ finish: new ReportError("render_failed", "no") }) };
    await using world = await createWorldOf(stage, { renderers });
    const { outcome } = await world.run(await world.claim({ outputFormat: "CSV,PDF" }));
    expect(outcome.kind).toBe("failed");
    expect(stage.removed).toHaveLength(1);
  });

  test("is removed when the run is cancelled meanwhile", async () => {
    const stage = createStage();
    const controller = new AbortController();
    stage.answer = (_, signal) => {
      controller.abort(new ReportError("cancelled", "by a person"));
      throw signal.reason;
    };
    await using world = await createWorldOf(stage);
    const { outcome } = await world.run(await world.claim(), controller.signal);
    expect(outcome.kind).toBe("cancelled");
    expect(stage.removed).toHaveLength(1);
    expect(world.store.puts).toEqual([]);
  });

  test("is removed when the lease turns out to be lost at the end", async () => {
    const stage = createStage();
    await using world = await createWorldOf(stage);
    const claim = await world.claim();
    world.report().fence += 1;
    expect((await world.run(claim)).outcome.kind).toBe("lease_lost");
    expect(stage.removed).toHaveLength(1);
  });

  test("of a worker that died is removed by the one that takes over", async () => {
    const stage = createStage();
    await using world = await createWorldOf(stage);
    const claim = await world.claim({}, { fence: 4 });
    await world.run({ ...claim, takenOver: true });
    expect(stage.removed).toEqual(["report-1/f4-"]);
    expect(stage.requests).toHaveLength(1);
  });

  test("stays, with a word in the audit, when it cannot be removed", async () => {
    const stage = createStage();
    stage.answer = () => {
      throw new ReportError("rows_missing", "gone");
    };
    stage.removeFailure = new Error("refused");
    await using world = await createWorldOf(stage);
    const { outcome, facts } = await world.run(await world.claim());
    expect(outcome).toMatchObject({ kind: "retry", error: { code: "rows_missing" } });
    expect(facts.warnings).toMatchObject([{ code: "files_left" }]);
  });
});

describe("a warehouse that cannot write the file", () => {
  const refusal = new ReportError("query_failed", "no such stage");

  test("leaves a CSV file to be rendered, and PARQUET in place", async () => {
    const stage = createStage();
    stage.answer = ({ key, unload }) => {
      if (unload.format === "CSV") throw refusal;
      return [stagedFile(key)];
    };
    await using world = await createWorldOf(stage);
    const claim = await world.claim({ outputFormat: "PARQUET,CSV" });
    const { outcome, facts } = await world.run(claim);
    expect(outcome.kind).toBe("completed");
    expect(stage.removed).toEqual([`report-1/f1-${claim.runId}/daily-sales-2026-03-02.csv`]);
    expect(
      world.runs()[0]?.artifacts.map(({ format, uri }) => [format, uri.split(":")[0]]),
    ).toEqual([
      ["CSV", "memory"],
      ["PARQUET", "snowflake"],
    ]);
    expect(facts.warnings).toMatchObject([{ code: "not_pushed_down" }]);
  });

  test("fails a report that has no other way", async () => {
    const stage = createStage();
    stage.answer = () => {
      throw refusal;
    };
    await using world = await createWorldOf(stage);
    const { outcome } = await world.run(await world.claim({ options: `{"pushDown": "always"}` }));
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "query_failed" } });
  });

  test.each([
    ["PARQUET without a stage", { outputFormat: "PARQUET" }, false, "PUSH_DOWN_STAGE"],
    [
      "PARQUET that shall never be",
      { outputFormat: "PARQUET", options: `{"pushDown": "never"}` },
      true,
      "pushDown",
    ],
    ["csv.bom", { options: `{"pushDown": "always", "csv": {"bom": true}}` }, true, "csv.bom"],
  ])("is told before it tries: %s", async (_, row, hasStage, reason) => {
    const stage = createStage();
    await using world = await (hasStage ? createWorldOf(stage) : createWorld());
    const { outcome } = await world.run(await world.claim(row));
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "invalid_report" } });
    expect(world.report().lastError).toContain(reason);
    expect(stage.requests).toEqual([]);
  });
});
