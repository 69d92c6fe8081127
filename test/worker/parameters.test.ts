import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { RenderContext } from "../../src/render/renderer.ts";
import { describeEvent } from "../../src/worker/events.ts";
import { failingAnswer, plainRenderer } from "../support/fakes.ts";
import { anError, DAILY_AT_NINE } from "../support/factories.ts";
import { createWorld } from "../support/world.ts";

const NINE = Date.parse("2026-03-02T09:00:00Z");

describe("built-in parameters", () => {
  const reportSql = "SELECT :scheduled_for, :last_run_at, :run_id";

  test("of an ADHOC report that never ran: no time, no last run, its id", async () => {
    await using world = await createWorld();
    const claim = await world.claim({ reportSql });
    await world.run(claim);
    expect(world.warehouse.queries[0]).toMatchObject({
      sql: "SELECT ?::TIMESTAMP_NTZ, ?::TIMESTAMP_NTZ, ?",
      binds: [null, null, claim.runId],
    });
  });

  test("of a SCHEDULED report: its occurrence, and what the last completed run saw", async () => {
    await using world = await createWorld();
    const row = { ...DAILY_AT_NINE, reportSql, misfirePolicy: "RUN_ALL" };
    world.database.add(row, { nextRunAt: NINE - 86_400_000, createdAt: 0 });
    await world.run(await world.claimDue());
    world.warehouse.answer = failingAnswer(anError("query_failed"));
    await world.run(await world.claimDue());
    const binds = world.warehouse.queries.map((query) => query.binds.slice(0, 2));
    expect(binds).toEqual([
      ["2026-03-01 09:00:00.000", null],
      ["2026-03-02 09:00:00.000", "2026-03-02 10:00:00.000"],
    ]);
  });

  test("the last run is asked for only when it is used", async () => {
    await using world = await createWorld();
    let asked = 0;
    world.database.intercept = (step, stage) => {
      if (step === "lastCompleted" && stage === "before") asked += 1;
    };
    await world.run(await world.claim({ reportSql: "SELECT :run_id, :scheduled_for" }));
    expect(asked).toBe(0);
  });

  test("a value of that name in PARAMETERS wins", async () => {
    await using world = await createWorld();
    const parameters = `{"run_id": "run-0", "last_run_at": {"type": "TIMESTAMP_NTZ", "value": "2026-01-01T00:00:00"}}`;
    await world.run(await world.claim({ reportSql: "SELECT :run_id, :last_run_at", parameters }));
    expect(world.warehouse.queries[0]?.binds).toEqual(["run-0", "2026-01-01 00:00:00"]);
  });
});

describe("the audit of a run", () => {
  test("has the hash of the SQL, what was bound and how new the data are", async () => {
    await using world = await createWorld();
    const reportSql = "SELECT :day, :region, :scheduled_for";
    const parameters = `{"day": {"type": "DATE", "value": "2026-03-01"}, "region": "EU"}`;
    await world.run(await world.claim({ reportSql, parameters }));
    expect(world.runs()).toMatchObject([
      {
        sqlSha256: createHash("sha256").update(reportSql).digest("hex"),
        parameters: {
          day: { type: "DATE", value: "2026-03-01" },
          region: "EU",
          scheduled_for: { type: "TIMESTAMP_NTZ", value: null },
        },
        dataAsOf: new Date("2026-03-02T10:00:00Z"),
        reason: null,
      },
    ]);
  });

  test("of a row that cannot be read has the hash alone", async () => {
    await using world = await createWorld();
    await world.run(await world.claim({ outputFormat: "DOCX" }));
    const [run] = world.runs();
    expect(run?.parameters).toBeNull();
    expect(run?.sqlSha256).toHaveLength(64);
  });

  test("of a report on the data of a time says that time, in the files too", async () => {
    const shown: unknown[] = [];
    const CSV: ReturnType<typeof plainRenderer> = (context, sink) => {
      shown.push(context.dataAsOf);
      return plainRenderer()(context, sink);
    };
    await using world = await createWorld({ renderers: { CSV } });
    const asOf = new Date("2026-02-01T08:00:00.250Z");
    const reportSql = "SELECT * FROM SALES WHERE DAY = :day";
    const parameters = `{"day": {"type": "DATE", "value": "2026-01-31"}}`;
    await world.run(await world.claim({ asOf, reportSql, parameters }));
    expect(world.warehouse.queries[0]).toMatchObject({
      sql: "SELECT * FROM SALES AT(TIMESTAMP => '2026-02-01T08:00:00.250+00:00'::TIMESTAMP_LTZ) WHERE DAY = ?::DATE",
      binds: ["2026-01-31"],
    });
    expect(world.runs()[0]?.dataAsOf).toEqual(asOf);
    expect(shown).toEqual([asOf]);
  });

  test("a time that the warehouse does not keep is told by its column, with what to look at", async () => {
    await using world = await createWorld();
    const said = "Time travel data is not available for table SALES.";
    world.warehouse.answer = failingAnswer(anError("query_failed", said));
    await world.run(await world.claim({ asOf: new Date("2020-01-01T00:00:00Z") }));
    expect(world.report().lastError).toMatch(
      /^query_failed: AS_OF: the data of 2020-01-01T00:00:00.000Z are not kept; .*DATA_RETENTION_TIME_IN_DAYS.*SALES/,
    );
  });

  test("a time in the future fails the row by its column", async () => {
    await using world = await createWorld();
    const asOf = new Date(world.clock.now().getTime() + 1_000);
    await world.run(await world.claim({ asOf }));
    expect(world.report()).toMatchObject({ status: "FAILED" });
    expect(world.report().lastError).toContain("AS_OF: 2026-03-02T10:00:01.000Z is in the future");
  });
});

describe("a secret", () => {
  const row = {
    reportSql: "SELECT :key, :region",
    parameters: `{"key": {"type": "TEXT", "value": "hunter2-secret", "secret": true}, "region": "EU"}`,
    emailRecipients: "ann@example.com",
  };

  test("is bound, and is in no file, audit or line of the log", async () => {
    const contexts: RenderContext[] = [];
    const CSV: ReturnType<typeof plainRenderer> = (context, sink) => {
      contexts.push(context);
      return plainRenderer()(context, sink);
    };
    await using world = await createWorld({ renderers: { CSV } });
    const claim = await world.claim(row);
    const executed = await world.run(claim);
    expect(world.warehouse.queries[0]?.binds).toEqual(["hunter2-secret", "EU"]);
    expect(contexts[0]?.parameters).toEqual({ region: "EU" });
    const told = [
      JSON.stringify(contexts),
      JSON.stringify(world.runs()),
      JSON.stringify(executed.facts),
      describeEvent({ kind: "executed", claim, executed }).text,
    ];
    for (const text of told) expect(text).not.toContain("hunter2");
  });

  test("that the warehouse quotes is taken out of the failure, its mail and the log", async () => {
    await using world = await createWorld();
    world.warehouse.answer = failingAnswer(
      anError("query_failed", "Numeric value 'hunter2-secret' is not recognized"),
    );
    const claim = await world.claim(row);
    const executed = await world.run(claim);
    expect(world.report().lastError).toBe("query_failed: Numeric value '***' is not recognized");
    expect(world.runs()[0]?.errorMessage).toBe("Numeric value '***' is not recognized");
    expect(describeEvent({ kind: "executed", claim, executed }).text).not.toContain("hunter2");
    expect(Bun.inspect(executed.outcome)).not.toContain("hunter2");
  });
});
