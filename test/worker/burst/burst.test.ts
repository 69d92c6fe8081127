import { describe, expect, test } from "bun:test";
import { ReportError } from "../../../src/report/errors.ts";
import type { ReportRow } from "../../../src/report/request.ts";
import type { Cell } from "../../../src/report/table.ts";
import { deliverNext, type Delivered } from "../../../src/worker/deliver.ts";
import type { Query, Senders } from "../../../src/worker/ports.ts";
import { anError, aTable, DAILY_AT_NINE } from "../../support/factories.ts";
import { failingAnswer, hangingAnswer, plainRenderer, tableAnswer } from "../../support/fakes.ts";
import { createWorld, type World } from "../../support/world.ts";

const NINE = Date.parse("2026-03-02T09:00:00Z");
const PEOPLE = "SELECT * FROM PEOPLE";

interface Answers {
  readonly people: readonly (readonly Cell[])[];
  readonly columns?: readonly string[];
  readonly sales?: readonly (readonly Cell[])[];
}

/** The warehouse answers the burst SQL with people, and REPORT_SQL with sales. */
function answer(
  world: World,
  { people, columns = ["KEY", "EMAIL"], sales = SALES }: Answers,
): void {
  world.warehouse.answer = (query) =>
    query.tag["purpose"] === "burst"
      ? tableAnswer(aTable({ columns, rows: people }), "burst-query")
      : tableAnswer(aTable({ columns: ["REGION", "AMOUNT"], rows: sales }), "sales-query");
}

const SALES = [
  ["n", "1"],
  ["s", "2"],
  ["n", "3"],
  ["w", "4"],
];

const NORTH_AND_SOUTH = [
  ["n", "ann@example.com"],
  ["s", "bob@example.com"],
];

function splitRow(changes: object = {}): Partial<ReportRow> {
  return { options: JSON.stringify({ burst: { sql: PEOPLE, splitBy: "region" }, ...changes }) };
}

const EACH: Partial<ReportRow> = {
  reportSql: "SELECT * FROM SALES WHERE REGION = :region",
  options: JSON.stringify({ burst: { sql: PEOPLE } }),
};
const EACH_COLUMNS = ["KEY", "EMAIL", "PARAMETERS", "FORMAT", "LOCALE", "FILE_NAME"];

function salesQueries(world: World): Query[] {
  return world.warehouse.queries.filter(({ tag }) => tag["purpose"] !== "burst");
}

async function deliverAll(world: World, senders?: Senders): Promise<Delivered[]> {
  const ports = senders === undefined ? world.ports : { ...world.ports, senders };
  const all: Delivered[] = [];
  for (;;) {
    const delivered = await deliverNext(null, ports, world.settings);
    if (delivered === null) return all;
    all.push(delivered);
  }
}

/** What each address was sent as text, by address and key. */
function mails(world: World): Record<string, string[]> {
  const entries = world.senders.sent
    .filter(({ delivery }) => delivery.channel === "EMAIL")
    .map(({ delivery, message }): [string, string[]] => [
      `${delivery.recipientKey ?? delivery.kind} ${delivery.target}`,
      message.attachments.map(({ bytes }) => new TextDecoder().decode(bytes)),
    ]);
  return Object.fromEntries(entries);
}

function states(world: World): string[][] {
  return world
    .deliveries()
    .map(({ recipientKey = "-", target, state }) => [recipientKey, target, state]);
}

describe("one query, split by a column", () => {
  test("gives each recipient their own rows, and the owner a note of those that nobody gets", async () => {
    await using world = await createWorld();
    answer(world, { people: NORTH_AND_SOUTH });
    const { outcome, facts } = await world.run(await world.claim(splitRow()));
    expect(outcome.kind).toBe("completed");
    expect(facts).toMatchObject({ rowCount: 4, queryId: "sales-query", reason: null });
    expect(facts.warnings).toEqual([
      {
        format: null,
        code: "rows_without_recipient",
        count: 1,
        message: "1 of 4 rows are in no file, because no recipient has their REGION as KEY",
      },
    ]);
    expect(salesQueries(world)).toHaveLength(1);
    await deliverAll(world);
    expect(mails(world)).toEqual({
      "n ann@example.com": ['REGION AMOUNT\n["n","1"]\n["n","3"]\n'],
      "s bob@example.com": ['REGION AMOUNT\n["s","2"]\n'],
    });
    const [mail] = world.senders.sent;
    expect(mail?.message.text).not.toContain("in no file");
    expect(mail?.message.subject).toMatch(/^Daily Sales \([12] rows?\)$/);
  });

  test("stores each recipient's files under a key of their own", async () => {
    await using world = await createWorld();
    answer(world, { people: NORTH_AND_SOUTH });
    const claim = await world.claim(splitRow());
    await world.run(claim);
    const files = world.store.puts.filter((key) => key.endsWith(".csv"));
    expect(files).toEqual([
      `report-1/f1-${claim.runId}/00001-n/daily-sales-2026-03-02.csv`,
      `report-1/f1-${claim.runId}/00002-s/daily-sales-2026-03-02.csv`,
    ]);
    const owners = world
      .runs()[0]
      ?.artifacts.map(({ recipientKey, recipientEmail, rowCount }) => [
        recipientKey,
        recipientEmail,
        rowCount,
      ]);
    expect(owners).toEqual([
      ["n", "ann@example.com", 2],
      ["s", "bob@example.com", 1],
    ]);
  });

  test("a recipient without rows gets an empty report, or none when sendWhen says so", async () => {
    const people = [...NORTH_AND_SOUTH, ["east", "eve@example.com"]];
    await using world = await createWorld();
    answer(world, { people });
    await world.run(await world.claim(splitRow()));
    await deliverAll(world);
    expect(mails(world)["east eve@example.com"]).toEqual(["REGION AMOUNT\n"]);

    await using picky = await createWorld();
    answer(picky, { people });
    const { outcome } = await picky.run(await picky.claim(splitRow({ sendWhen: "rows" })));
    expect(outcome.kind).toBe("completed");
    expect(picky.runs()[0]?.reason).toBe(
      "2 of 3 recipients; the condition of sendWhen is not met for 1",
    );
    await deliverAll(picky);
    expect(Object.keys(mails(picky))).toEqual(
      expect.arrayContaining(["n ann@example.com", "s bob@example.com"]),
    );
    expect(picky.senders.sent).toHaveLength(2);
  });

  test.each([
    ["nothing", "OPTIONS.burst.splitBy: REPORT_SQL has no column nothing"],
    ["region", null],
    ["REGION", null],
  ])("by the column %s", async (splitBy, message) => {
    await using world = await createWorld();
    answer(world, { people: NORTH_AND_SOUTH });
    const options = JSON.stringify({ burst: { sql: PEOPLE, splitBy } });
    await world.run(await world.claim({ options }));
    expect(world.runs()[0]).toMatchObject({
      outcome: message === null ? "COMPLETED" : "FAILED",
      errorMessage: message,
    });
  });

  test("two addresses of one key share the file, and two keys of one address do not", async () => {
    await using world = await createWorld();
    answer(world, {
      people: [
        ["n", "ann@example.com"],
        ["n", "bob@example.com"],
        ["s", "ann@example.com"],
      ],
    });
    await world.run(await world.claim(splitRow()));
    const uris = world.runs()[0]?.artifacts.map(({ uri }) => uri) ?? [];
    expect(uris).toHaveLength(3);
    expect(new Set(uris).size).toBe(2);
    await deliverAll(world);
    expect(mails(world)).toEqual({
      "n ann@example.com": ['REGION AMOUNT\n["n","1"]\n["n","3"]\n'],
      "n bob@example.com": ['REGION AMOUNT\n["n","1"]\n["n","3"]\n'],
      "s ann@example.com": ['REGION AMOUNT\n["s","2"]\n'],
    });
  });
});

describe("a query for each set of parameters", () => {
  test("is run once for those who share it, and its files are made once for those who get the same", async () => {
    await using world = await createWorld();
    answer(world, {
      columns: EACH_COLUMNS,
      people: [
        ["a", "a@example.com", '{"region":"n"}', null, null, null],
        ["b", "b@example.com", '{"region":"n"}', null, null, null],
        ["c", "c@example.com", '{"region":"n"}', "PDF", null, "Mine"],
        ["d", "d@example.com", '{"region":"s"}', null, "de-DE", null],
      ],
    });
    const { facts } = await world.run(await world.claim(EACH));
    expect(salesQueries(world).map(({ binds }) => binds)).toEqual([["n"], ["s"]]);
    expect(facts).toMatchObject({ rowCount: 8, queryId: null });
    const artifacts = world.runs()[0]?.artifacts ?? [];
    expect(new Set(artifacts.map(({ uri }) => uri)).size).toBe(3);
    // A folder that several keys see names none of them.
    expect(artifacts.map(({ uri }) => uri.split("/").at(-2))).toEqual([
      "00001",
      "00001",
      "00003-c",
      "00004-d",
    ]);
    expect(artifacts.map(({ fileName }) => fileName)).toEqual([
      "daily-sales-2026-03-02.csv",
      "daily-sales-2026-03-02.csv",
      "Mine.pdf",
      "daily-sales-2026-03-02.csv",
    ]);
    await deliverAll(world);
    expect(Object.values(mails(world)).map(({ length }) => length)).toEqual([1, 1, 1, 1]);
  });

  test("one recipient's failure of any kind stops no other, and the owner is told once", async () => {
    const slow = anError("query_failed", "division by zero");
    await using world = await createWorld({
      renderers: { PDF: plainRenderer({ rows: new Error("no such glyph") }) },
    });
    answer(world, {
      columns: EACH_COLUMNS,
      people: [
        ["good", "good@example.com", '{"region":"n"}', null, null, null],
        ["query", "query@example.com", '{"region":"boom"}', null, null, null],
        ["render", "render@example.com", '{"region":"n"}', "PDF", null, null],
        ["row", "nonsense", '{"region":"n"}', null, null, null],
        ["names", "names@example.com", '{"place":"n"}', null, null, null],
      ],
    });
    const inner = world.warehouse.answer;
    world.warehouse.answer = (query, signal) => {
      if (query.binds[0] === "boom") throw slow;
      return inner(query, signal);
    };
    const { outcome } = await world.run(await world.claim({ ...EACH, maxAttempts: 1 }));
    expect(outcome.kind).toBe("completed");
    expect(world.runs()[0]).toMatchObject({
      outcome: "COMPLETED",
      reason: "1 of 5 recipients; 4 failed",
    });
    const failed = world.deliveries().filter(({ state }) => state === "FAILED");
    expect(failed.map(({ recipientKey, error }) => `${recipientKey}: ${error}`).toSorted()).toEqual(
      [
        'names: recipient_refused: PARAMETERS has no value for :region of REPORT_SQL; has "place", which REPORT_SQL does not use',
        "query: query_failed: division by zero",
        "render: render_failed: PDF: no such glyph",
        'row: recipient_refused: EMAIL: "nonsense" is not an e-mail address',
      ],
    );
    await deliverAll(world);
    const summaries = world.senders.sent.filter(({ delivery }) => delivery.kind === "SUMMARY");
    expect(summaries.map(({ delivery }) => delivery.target)).toEqual(["owner@example.com"]);
    expect(summaries[0]?.message.subject).toBe("Daily Sales (1 of 5 recipients; 4 failed)");
    expect(summaries[0]?.message.text).toContain(
      "query, query@example.com: query_failed: division by zero",
    );
    expect(summaries[0]?.message.attachments).toEqual([]);
  });

  test("all failing alike is a failure of the report, with their reason", async () => {
    await using world = await createWorld();
    const people = [
      ["a", "a@example.com", '{"region":"n"}', null, null, null],
      ["b", "b@example.com", '{"region":"s"}', null, null, null],
    ];
    answer(world, { columns: EACH_COLUMNS, people });
    const inner = world.warehouse.answer;
    world.warehouse.answer = (query, signal) =>
      query.tag["purpose"] === "burst"
        ? inner(query, signal)
        : failingAnswer(anError("query_failed", "no such table"))(query, signal);
    const { outcome } = await world.run(await world.claim(EACH));
    expect(outcome.kind).toBe("failed");
    expect(world.runs()[0]).toMatchObject({
      outcome: "FAILED",
      errorCode: "query_failed",
      errorMessage: "all 2 recipients failed: no such table",
    });
    expect(states(world)).toEqual([["-", "owner@example.com", "NEW"]]);
  });

  test("a secret parameter of a recipient is in no ledger, mail or audit", async () => {
    await using world = await createWorld();
    const secret = '{"region":{"type":"TEXT","value":"hunter2","secret":true}}';
    answer(world, {
      columns: EACH_COLUMNS,
      people: [
        ["a", "a@example.com", secret, null, null, null],
        ["b", "b@example.com", '{"region":"n"}', null, null, null],
      ],
    });
    const inner = world.warehouse.answer;
    world.warehouse.answer = (query, signal) => {
      if (query.binds[0] === "hunter2") throw anError("query_failed", "'hunter2' is not a number");
      return inner(query, signal);
    };
    await world.run(await world.claim(EACH));
    await deliverAll(world);
    expect(world.deliveries().find(({ recipientKey }) => recipientKey === "a")?.error).toBe(
      "query_failed: '***' is not a number",
    );
    const everything = JSON.stringify([world.runs(), world.deliveries(), world.senders.sent]);
    expect(everything).not.toContain("hunter2");
  });
});

describe("a run of a burst", () => {
  test("is skipped when the burst SQL gives nobody", async () => {
    await using world = await createWorld();
    answer(world, { people: [] });
    const { outcome, facts } = await world.run(await world.claim(splitRow()));
    expect([outcome.kind, facts.reason]).toEqual([
      "skipped",
      "OPTIONS.burst.sql gives no recipient",
    ]);
    expect(salesQueries(world)).toEqual([]);
  });

  test("is skipped when the condition is met for nobody", async () => {
    await using world = await createWorld();
    answer(world, { people: NORTH_AND_SOUTH, sales: [] });
    const { outcome, facts } = await world.run(await world.claim(splitRow({ sendWhen: "rows" })));
    expect([outcome.kind, facts.reason]).toEqual([
      "skipped",
      "0 of 2 recipients; the condition of sendWhen is not met for 2",
    ]);
  });

  test("refuses more recipients than its audit can hold, before their rows are read", async () => {
    await using world = await createWorld();
    world.warehouse.answer = () =>
      tableAnswer(aTable({ columns: ["KEY", "EMAIL"], rows: [], reported: 5_001 }));
    await world.run(await world.claim(splitRow()));
    expect(world.runs()[0]).toMatchObject({
      errorCode: "too_many_rows",
      errorMessage:
        "OPTIONS.burst.sql gives 5,001 recipients; at most 5,000 are allowed, so make several reports of it",
    });
  });

  test("names the burst SQL when that fails", async () => {
    await using world = await createWorld();
    world.warehouse.answer = failingAnswer(anError("query_failed", "no such table"));
    await world.run(await world.claim(splitRow()));
    expect(world.runs()[0]?.errorMessage).toBe("OPTIONS.burst.sql: no such table");
  });

  test("is postponed when the warehouse goes, and publishes nothing", async () => {
    await using world = await createWorld();
    answer(world, {
      columns: EACH_COLUMNS,
      people: [
        ["a", "a@example.com", '{"region":"n"}', null, null, null],
        ["b", "b@example.com", '{"region":"gone"}', null, null, null],
      ],
    });
    const inner = world.warehouse.answer;
    world.warehouse.answer = (query, signal) => {
      if (query.binds[0] === "gone") throw anError("warehouse_unavailable");
      return inner(query, signal);
    };
    const { outcome } = await world.run(await world.claim(EACH));
    expect(outcome.kind).toBe("postponed");
    expect(world.runs()[0]?.artifacts).toEqual([]);
    expect(world.deliveries()).toEqual([]);
  });

  test.each(["cancelled", "interrupted"] as const)(
    "can be %s inside of a recipient",
    async (code) => {
      await using world = await createWorld();
      const controller = new AbortController();
      answer(world, {
        columns: EACH_COLUMNS,
        people: [
          ["a", "a@example.com", '{"region":"n"}', null, null, null],
          ["b", "b@example.com", '{"region":"hang"}', null, null, null],
        ],
      });
      const inner = world.warehouse.answer;
      world.warehouse.answer = (query, signal) => {
        if (query.binds[0] !== "hang") return inner(query, signal);
        controller.abort(new ReportError(code, "stopped"));
        return hangingAnswer();
      };
      const { outcome } = await world.run(await world.claim(EACH), controller.signal);
      expect(outcome.kind).toBe(code);
      expect(world.warehouse.cancelled.map(({ binds }) => binds)).toContainEqual(["hang"]);
      expect(world.deliveries()).toEqual([]);
    },
  );

  test("can be stopped between its recipients", async () => {
    await using world = await createWorld();
    const controller = new AbortController();
    answer(world, { people: NORTH_AND_SOUTH });
    const put = world.store.put.bind(world.store);
    world.store.put = async (file, signal) => {
      const stored = await put(file, signal);
      if (file.key.endsWith(".csv")) controller.abort(anError("cancelled"));
      return stored;
    };
    const { outcome } = await world.run(await world.claim(splitRow()), controller.signal);
    expect(outcome.kind).toBe("cancelled");
    expect(world.store.puts.filter((key) => key.endsWith(".csv"))).toHaveLength(1);
    expect(world.runs()[0]?.artifacts).toEqual([]);
    expect(world.deliveries()).toEqual([]);
  });

  test("says whose turn it is", async () => {
    await using world = await createWorld();
    answer(world, { people: NORTH_AND_SOUTH });
    await world.run(await world.claim(splitRow()));
    const turns = world.progress
      .filter(({ phase }) => phase === "render")
      .map(({ recipient, rowsTotal }) => [recipient?.number, recipient?.total, rowsTotal]);
    expect(turns).toEqual([
      [1, 2, 2],
      [2, 2, 1],
    ]);
  });

  test("tells a topic and a webhook of the run, without files and names", async () => {
    await using world = await createWorld();
    const topic = "arn:aws:sns:eu-central-1:123456789012:reports";
    answer(world, { people: [...NORTH_AND_SOUTH, ["x", "nonsense"]] });
    const row = { ...splitRow(), snsTopicArn: topic, slackWebhook: "finance" };
    await world.run(await world.claim(row));
    await deliverAll(world);
    for (const channel of ["SNS", "SLACK"]) {
      const sent = world.senders.sent.filter(({ delivery }) => delivery.channel === channel);
      expect(sent.map(({ message }) => message.subject)).toEqual([
        "Daily Sales (2 of 3 recipients; 1 failed)",
      ]);
      expect(sent[0]?.message.attachments).toEqual([]);
      expect(sent[0]?.message.text).not.toContain("nonsense");
      expect(sent[0]?.message.text).not.toContain("https://");
      expect(sent[0]?.message.text).toContain("1 of 4 rows are in no file");
    }
  });
});

describe("what did not go is done again, and nothing else", () => {
  const people = Array.from({ length: 200 }, (_, index) => [`k${index}`, `r${index}@example.com`]);
  const sales = people.flatMap(([key]) => [
    [key ?? "", "1"],
    [key ?? "", "2"],
  ]);

  test("a store that fails for 7 of 200 publishes 193 at once and the 7 at the next attempt", async () => {
    await using world = await createWorld();
    answer(world, { people, sales });
    const put = world.store.put.bind(world.store);
    const tried = new Set<string>();
    const refused = new Set([3, 33, 63, 93, 123, 153, 183].map((number) => `-k${number}/`));
    world.store.put = async (file, signal) => {
      const [key] = /-k\d+\//.exec(file.key) ?? [""];
      if (refused.has(key) && !tried.has(key)) {
        tried.add(key);
        throw anError("store_failed", "503 slow down");
      }
      return await put(file, signal);
    };
    const first = await world.run(await world.claim(splitRow()));
    expect(first.outcome.kind).toBe("retry");
    expect(world.runs()[0]).toMatchObject({
      outcome: "RETRY",
      reason: "193 of 200 recipients; 7 failed",
      errorCode: "store_failed",
    });
    await deliverAll(world);
    expect(world.senders.sent).toHaveLength(193);
    expect(world.report().status).toBe("PENDING");

    await world.clock.advance(31_000);
    const second = await world.run(await world.claimDue());
    expect(second.outcome.kind).toBe("completed");
    await deliverAll(world);
    expect(world.runs()[1]?.reason).toBe("7 of 200 recipients; 193 had it already");
    expect(world.runs()[1]?.warnings).toEqual([]);
    expect(world.senders.sent).toHaveLength(200);
    expect(new Set(world.senders.sent.map(({ delivery }) => delivery.target)).size).toBe(200);
    for (const { delivery, message } of world.senders.sent) {
      const [text] = message.attachments.map(({ bytes }) => new TextDecoder().decode(bytes));
      const key = delivery.recipientKey ?? "";
      expect(text).toBe(`REGION AMOUNT\n["${key}","1"]\n["${key}","2"]\n`);
    }
    expect(world.report()).toMatchObject({ status: "COMPLETED", lastError: null });
  });

  test("a store that is down is not tried for everybody, and what it took before is sent", async () => {
    await using world = await createWorld();
    answer(world, { people, sales });
    const put = world.store.put.bind(world.store);
    let puts = 0;
    world.store.put = async (file, signal) => {
      puts += 1;
      // A preview and a file for each recipient.
      if (puts > 20) throw anError("store_failed", "no such host");
      return await put(file, signal);
    };
    const { outcome } = await world.run(await world.claim(splitRow()));
    expect(outcome.kind).toBe("retry");
    expect(puts).toBe(25);
    expect(world.runs()[0]?.reason).toBe("10 of 200 recipients; 190 failed");
    expect(world.deliveries()).toHaveLength(10);
  });

  test("a provider that refuses 7 of 200 once is asked again for those 7 alone", async () => {
    await using world = await createWorld();
    answer(world, { people, sales });
    await world.run(await world.claim(splitRow()));
    const refused = new Set([3, 33, 63, 93, 123, 153, 183].map((n) => `r${n}@example.com`));
    const senders: Senders = {
      ...world.senders,
      EMAIL: {
        ...world.senders.EMAIL,
        send: async (delivery, message) => {
          if (refused.delete(delivery.target)) throw anError("delivery_failed", "454 throttled");
          return await world.senders.EMAIL.send(delivery, message);
        },
      },
    };
    await deliverAll(world, senders);
    expect(world.senders.sent).toHaveLength(193);
    await world.clock.advance(31 * 60_000);
    await deliverAll(world, senders);
    expect(world.senders.sent).toHaveLength(200);
    expect(new Set(world.senders.sent.map(({ delivery }) => delivery.target)).size).toBe(200);
    expect(salesQueries(world)).toHaveLength(1);
  });

  test("a worker that dies before it settles has published nothing, and the next does all", async () => {
    await using world = await createWorld();
    answer(world, { people: NORTH_AND_SOUTH });
    world.database.intercept = (step, stage) => {
      if (step === "settle" && stage === "before") throw new Error("killed");
    };
    const claim = await world.claim(splitRow());
    expect(world.run(claim)).rejects.toThrow("killed");
    await world.clock.advance(301_000);
    expect(world.deliveries()).toEqual([]);
    world.database.intercept = () => undefined;
    world.heartbeat.setActive(false);
    const { outcome } = await world.run(await world.claimDue());
    expect(outcome.kind).toBe("completed");
    await deliverAll(world);
    expect(world.senders.sent).toHaveLength(2);
  });

  test("the last attempt that still fails for some completes without them, and tells the owner", async () => {
    await using world = await createWorld();
    answer(world, { people: NORTH_AND_SOUTH });
    world.store.putFailures.push(anError("store_failed", "503 slow down"));
    const { outcome } = await world.run(await world.claim({ ...splitRow(), maxAttempts: 1 }));
    expect(outcome.kind).toBe("completed");
    expect(states(world)).toEqual([
      ["s", "bob@example.com", "NEW"],
      ["n", "ann@example.com", "FAILED"],
      ["-", "owner@example.com", "NEW"],
    ]);
  });

  test("a scheduled burst serves each occurrence, and one asked for again what is left of it", async () => {
    await using world = await createWorld({ clock: { startAt: "2026-03-02T09:00:00Z" } });
    answer(world, { people: [...NORTH_AND_SOUTH, ["x", "nonsense"]] });
    const row = { ...splitRow(), ...DAILY_AT_NINE };
    await world.run(await world.claim(row, { nextRunAt: NINE }));
    expect(world.runs()[0]?.reason).toBe("2 of 3 recipients; 1 failed");

    // As `retry` does: now, which is no time of its schedule.
    await world.clock.advance(3_600_123);
    answer(world, { people: [...NORTH_AND_SOUTH, ["x", "xenia@example.com"]] });
    world.report().nextRunAt = world.clock.now().getTime();
    world.heartbeat.beat();
    await world.run(await world.claimDue());
    expect(world.runs()[1]?.reason).toBe("1 of 3 recipients; 2 had it already");

    await world.clock.advance(86_400_000 - 3_600_000);
    world.heartbeat.beat();
    await world.run(await world.claimDue());
    expect(world.runs()[2]).toMatchObject({ outcome: "COMPLETED", reason: null });
    await deliverAll(world);
    expect(world.senders.sent.filter(({ delivery }) => delivery.kind === "RESULT")).toHaveLength(6);
  });

  test("nobody left is a skipped run that runs no query of the report", async () => {
    await using world = await createWorld();
    answer(world, { people: NORTH_AND_SOUTH });
    await world.run(await world.claim(splitRow()));
    world.report().status = "PENDING";
    const { outcome, facts } = await world.run(await world.claimDue());
    expect([outcome.kind, facts.reason]).toEqual(["skipped", "every recipient has it"]);
    expect(salesQueries(world)).toHaveLength(1);
  });
});

test("a message without a file of its own fails instead of showing another's", async () => {
  await using world = await createWorld();
  answer(world, { people: NORTH_AND_SOUTH });
  await world.run(await world.claim(splitRow()));
  for (const [runId, run] of world.database.runs) {
    world.database.runs.set(runId, { ...run, artifacts: run.artifacts.slice(0, 1) });
  }
  const results = (await deliverAll(world)).map(
    ({ claim, result }) => `${claim.recipientKey} ${result.state}`,
  );
  expect(results.toSorted()).toEqual(["n SENT", "s NEW"]);
});
