import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { RECIPIENTS_MAX } from "../../src/report/burst.ts";
import { checkKeyColumn, keyText } from "../../src/report/burst-key.ts";
import { readRecipients } from "../../src/report/burst-rows.ts";
import {
  checkRecipientParameters,
  describeBurst,
  planSources,
  reportOf,
} from "../../src/report/burst-plan.ts";
import type { Cell, ColumnType } from "../../src/report/table.ts";
import { aColumn, aReport, errorOf } from "../support/factories.ts";

const BURST = JSON.stringify({ burst: { sql: "SELECT KEY, EMAIL FROM PEOPLE" } });
const SPLIT = JSON.stringify({ burst: { sql: "SELECT KEY, EMAIL FROM PEOPLE", splitBy: "KEY" } });

function read(names: readonly string[], rows: readonly (readonly Cell[])[], isSplit = false) {
  return readRecipients(
    names.map((name) => aColumn(name)),
    rows,
    isSplit,
  );
}

const MORE = ["Key", "email", "Parameters", "FILE_NAME", "format", "locale", "timezone"];

/** Why the one row is refused. */
function refusalOf(row: readonly Cell[]): string {
  const { recipients, failed } = read(MORE, [row]);
  expect(recipients).toEqual([]);
  expect(failed).toHaveLength(1);
  expect(failed[0]?.error).toMatchObject({ code: "recipient_refused", retryable: false });
  return failed[0]?.error.message ?? "";
}

describe("a row with the burst option", () => {
  test("is a report", () => {
    expect(aReport({ options: BURST }).options.burst).toEqual({
      sql: "SELECT KEY, EMAIL FROM PEOPLE",
    });
  });

  test("may leave to its recipients the parameters that its SQL needs", () => {
    const { parameters } = aReport({ reportSql: "SELECT :region AS R", options: BURST });
    expect(parameters).toEqual({});
  });

  test.each([
    [
      { reportSql: "SELECT :region AS R", options: SPLIT },
      "PARAMETERS has no value for :region (REPORT_SQL, line 1)",
    ],
    [
      { options: JSON.stringify({ burst: { sql: "SELECT :who AS KEY" } }) },
      "PARAMETERS has no value for :who (OPTIONS.burst.sql, line 1)",
    ],
    [
      { options: BURST, parameters: '{"region": 1}' },
      'PARAMETERS has "region", which REPORT_SQL and OPTIONS.burst.sql do not use',
    ],
    [
      { options: JSON.stringify({ burst: { sql: "DELETE FROM PEOPLE" } }) },
      "OPTIONS.burst.sql, line 1: it must be one SELECT, or WITH ... SELECT",
    ],
    [
      { options: BURST, emailRecipients: "ann@example.com" },
      "EMAIL_RECIPIENTS: must be empty, because OPTIONS.burst says who gets which rows",
    ],
    [
      { options: JSON.stringify({ ...JSON.parse(BURST), sendWhen: "changed" }) },
      "OPTIONS: sendWhen: changed cannot be asked of a burst; rows and empty can",
    ],
    [
      { options: JSON.stringify({ ...JSON.parse(BURST), pushDown: "always" }) },
      "OPTIONS: pushDown: always cannot be had in a burst",
    ],
    [
      { options: BURST, outputFormat: "CSV,PARQUET" },
      "OUTPUT_FORMAT: PARQUET cannot be had in a burst",
    ],
    [
      { options: '{"burst": {"sql": "SELECT 1", "key": "K"}}' },
      "OPTIONS: burst.key is not an option",
    ],
  ])("%j is refused with its column", (row, reason) => {
    expect(errorOf(() => aReport(row)).message).toBe(reason);
  });
});

describe("the rows of the burst SQL", () => {
  test("give a recipient each, whatever the case of the columns' names", () => {
    const { recipients, failed } = read(MORE, [
      [
        "north",
        " ann@example.com ",
        '{"region": "N"}',
        "North",
        "pdf, csv",
        "de-DE",
        "Europe/Berlin",
      ],
      ["south", "bob@example.com", null, null, "", " ", null],
    ]);
    expect(failed).toEqual([]);
    expect(recipients).toEqual([
      {
        key: "north",
        email: "ann@example.com",
        parameters: { region: { type: null, value: "N", isSecret: false } },
        formats: ["PDF", "CSV"],
        fileName: "North",
        locale: "de-DE",
        timezone: "Europe/Berlin",
      },
      {
        key: "south",
        email: "bob@example.com",
        parameters: {},
        formats: null,
        fileName: null,
        locale: null,
        timezone: null,
      },
    ]);
  });

  test.each<[string[], boolean, string]>([
    [["KEY"], false, "OPTIONS.burst.sql: has no column EMAIL"],
    [["EMAIL"], false, "OPTIONS.burst.sql: has no column KEY"],
    [
      ["KEY", "EMAIL", "CC"],
      false,
      "OPTIONS.burst.sql: has a column CC, which is not one of KEY, EMAIL, PARAMETERS, FILE_NAME, FORMAT, LOCALE, TIMEZONE",
    ],
    [["KEY", "key", "EMAIL"], false, "OPTIONS.burst.sql: has a column KEY more than once"],
    [
      ["KEY", "EMAIL", "PARAMETERS"],
      true,
      "OPTIONS.burst.sql: has a column PARAMETERS, but with splitBy the SQL is run once for everybody",
    ],
  ])("with the columns %j (split: %j) fail the run", (names, isSplit, reason) => {
    const error = errorOf(() => read(names, [], isSplit));
    expect([error.code, error.message]).toEqual(["invalid_report", reason]);
  });

  test.each<[readonly Cell[], string]>([
    [[null, "ann@example.com"], "KEY: is empty"],
    [["k".repeat(257), "ann@example.com"], "KEY: is longer than 256 characters"],
    [["a\nb", "ann@example.com"], "KEY: has a control character or a line break"],
    [["k", null], "EMAIL: is empty"],
    [["k", "ann at example.com"], 'EMAIL: "ann at example.com" is not an e-mail address'],
    [
      ["k", "ann@example.com,bob@example.com"],
      'EMAIL: "ann@example.com,bob@example.com" is not an e-mail address',
    ],
    [["k", "ann@example.com", "{secret"], "PARAMETERS: is not JSON"],
    [
      ["k", "ann@example.com", null, "///"],
      'FILE_NAME: "///" has no letter or digit that a file\'s name may have',
    ],
    [
      ["k", "ann@example.com", null, null, "WORD"],
      'FORMAT: "WORD" is not one of PDF, EXCEL, CSV, PARQUET',
    ],
    [["k", "ann@example.com", null, null, "PARQUET"], "FORMAT: PARQUET cannot be had in a burst"],
    [["k", "ann@example.com", null, null, null, "x_"], 'LOCALE: "x_" is not a locale'],
    [
      ["k", "ann@example.com", null, null, null, null, "Mars"],
      'TIMEZONE: "Mars" is not an IANA time zone',
    ],
  ])("%j is refused alone, with its reason", (row, reason) => {
    expect(refusalOf(row)).toBe(reason);
  });

  test("that are wrong have a name by which they are found, and stop nobody else", () => {
    const { recipients, failed } = read(
      ["KEY", "EMAIL"],
      [
        [null, null],
        ["k", "good@example.com"],
        [null, null],
      ],
    );
    expect(recipients.map(({ email }) => email)).toEqual(["good@example.com"]);
    expect(failed.map(({ key, email }) => [key, email])).toEqual([
      ["(row 1)", "(no address)"],
      ["(row 3)", "(no address)"],
    ]);
  });

  test("an address twice for one key is a failure of both rows, once in the ledger", () => {
    const { recipients, failed } = read(
      ["KEY", "EMAIL"],
      [
        ["k", "ann@example.com"],
        ["k", "bob@example.com"],
        ["k", "Ann@Example.com"],
        ["k", "ann@example.com"],
        ["other", "ann@example.com"],
      ],
    );
    expect(recipients.map(({ key, email }) => [key, email])).toEqual([
      ["k", "bob@example.com"],
      ["other", "ann@example.com"],
    ]);
    expect(failed.map(({ key, error }) => [key, error.message])).toEqual([
      ["k", 'KEY: "k" is there more than once for Ann@Example.com'],
    ]);
  });

  test("a refused value is never quoted when it may be a secret", () => {
    expect(refusalOf(["k", "ann@example.com", '{"token": {"value": "hunter2"}}'])).not.toContain(
      "hunter2",
    );
  });

  test("every row is a recipient or a failure, and none is both", () => {
    const cell = fc.option(fc.oneof(fc.string(), fc.constantFrom("k", "a@b.co", "x@y.org", "CSV")));
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, cell), { maxLength: 12 }), (rows) => {
        const { recipients, failed } = read(["KEY", "EMAIL", "FORMAT"], rows);
        const names = [...recipients, ...failed].map(({ key, email }) =>
          JSON.stringify([key, email.toLowerCase()]),
        );
        expect(new Set(names).size).toBe(names.length);
        expect(names.length).toBeLessThanOrEqual(rows.length);
        if (rows.length > 0) expect(names.length).toBeGreaterThan(0);
        for (const { key, email } of [...recipients, ...failed]) {
          expect(key.length * email.length).toBeGreaterThan(0);
          expect(key.length).toBeLessThanOrEqual(256);
          expect(email.length).toBeLessThanOrEqual(320);
        }
      }),
    );
  });

  test("there is a limit that keeps the audit readable", () => {
    // 500 bytes a file, three files a recipient: below the 16 MB of a VARIANT.
    expect(RECIPIENTS_MAX * 3 * 500).toBeLessThan(16 * 1024 * 1024);
  });
});

describe("a key", () => {
  test.each<[ColumnType, Cell, string | null]>([
    ["text", " a ", " a "],
    ["fixed", "12.50", "12.50"],
    ["boolean", "1", "true"],
    ["boolean", "FALSE", "false"],
    ["date", "20514", "2026-03-02"],
    ["text", null, null],
  ])("of type %s that is %j on the wire is the text %j", (type, cell, text) => {
    expect(keyText(aColumn("K", type), cell)).toBe(text);
  });

  test("of a type without one text is refused with what to do", () => {
    expect(errorOf(() => checkKeyColumn("splitBy", aColumn("AT", "timestamp_ntz"))).message).toBe(
      "splitBy: the column AT is TIMESTAMP_NTZ, which is no key; cast it to VARCHAR",
    );
  });
});

describe("the plan", () => {
  const report = aReport({
    options: BURST,
    reportSql: "SELECT :region AS R, :year AS Y",
    parameters: null,
  });
  const recipientsOf = (rows: readonly (readonly Cell[])[]) => read(MORE, rows).recipients;
  const who = (key: string, ...more: Cell[]): Cell[] => [key, `${key}@example.com`, ...more];

  test("runs each set of parameters once, whatever the order of their names", () => {
    const sources = planSources(
      recipientsOf([
        who("a", '{"region": "N", "year": 1}'),
        who("b", '{"year": 1, "region": "N"}'),
        who("c", '{"region": "S", "year": 1}'),
        who("d", '{"region": "S", "year": "1"}'),
      ]),
      report,
      false,
    );
    const keys = sources.map((source) =>
      source.renderings.flatMap((rendering) => rendering.recipients.map(({ key }) => key)),
    );
    expect(keys).toEqual([["a", "b"], ["c"], ["d"]]);
  });

  test("makes files once for those who get the same, and apart for those who do not", () => {
    const [source, ...others] = planSources(
      recipientsOf([
        who("a"),
        who("b", null, null, "CSV"),
        who("c", null, "mine"),
        who("d", null, null, "PDF"),
        who("e", null, null, null, "de-DE"),
        who("f", null, null, null, null, "Europe/Berlin"),
      ]),
      report,
      false,
    );
    expect(others).toEqual([]);
    const keys = source?.renderings.map(({ recipients }) => recipients.map(({ key }) => key));
    // The report's own format is CSV.
    expect(keys).toEqual([["a", "b"], ["c"], ["d"], ["e"], ["f"]]);
  });

  test("splits by key, of which an address may have several", () => {
    const sources = planSources(
      read(
        ["KEY", "EMAIL"],
        [
          ["n", "ann@example.com"],
          ["s", "ann@example.com"],
          ["n", "bob@example.com"],
        ],
        true,
      ).recipients,
      report,
      true,
    );
    expect(
      sources.map(({ splitKey, renderings }) => [
        splitKey,
        renderings.flatMap(({ recipients }) => recipients.map(({ email }) => email)),
      ]),
    ).toEqual([
      ["n", ["ann@example.com", "bob@example.com"]],
      ["s", ["ann@example.com"]],
    ]);
  });

  test("a rendering is the report with what is its recipients' own, and is never unloaded", () => {
    const [source] = planSources(
      recipientsOf([who("a", '{"region": "N"}', null, "PDF", "de-DE", "Europe/Berlin")]),
      report,
      false,
    );
    const [rendering] = source?.renderings ?? [];
    if (source === undefined || rendering === undefined) throw new Error("nothing was planned");
    const own = reportOf(report, source, rendering);
    expect(own).toMatchObject({
      formats: ["PDF"],
      recipients: { emails: ["a@example.com"], snsTopicArn: null, slackWebhook: null },
      options: { locale: "de-DE", timezone: "Europe/Berlin", pushDown: "never" },
    });
    expect(own.parameters["region"]?.value).toBe("N");
  });

  test("names the parameters that a recipient has too few or too many of", () => {
    const given = { year: { type: null, value: 2026, isSecret: false } } as const;
    const { recipients, failed } = checkRecipientParameters(
      recipientsOf([
        who("a", '{"region": "N"}'),
        who("b", '{"regoin": "N"}'),
        who("c", '{"region": "N", "year": 2025}'),
      ]),
      report.sql,
      given,
    );
    expect(recipients.map(({ key }) => key)).toEqual(["a", "c"]);
    expect(failed.map(({ error }) => error.message)).toEqual([
      'PARAMETERS has no value for :region of REPORT_SQL; has "regoin", which REPORT_SQL does not use',
    ]);
  });
});

test("what became of the recipients is a sentence, and nothing when all got theirs", () => {
  const all = { total: 1_200, done: 1_200, failed: 0, unmet: 0, served: 0 };
  expect(describeBurst(all)).toBeNull();
  expect(describeBurst({ total: 1_200, done: 1_000, failed: 7, unmet: 100, served: 93 })).toBe(
    "1,000 of 1,200 recipients; 7 failed; the condition of sendWhen is not met for 100; 93 had it already",
  );
});
