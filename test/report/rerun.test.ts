import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { type AuditedRun, planRerun, type RerunChoices } from "../../src/report/rerun.ts";
import { parseReport, type ReportRow } from "../../src/report/request.ts";
import { aReportRow, errorOf } from "../support/factories.ts";

const SQL = "SELECT :day, :key, :run_id";
const ROW: Partial<ReportRow> = {
  reportSql: SQL,
  parameters: `{"day": "2026-12-24", "key": {"type": "TEXT", "value": "s3cret", "secret": true}}`,
  emailRecipients: "ann@example.com",
  slackWebhook: "finance",
  timezone: "Europe/Berlin",
};

function plan(
  changes: {
    run?: Partial<AuditedRun>;
    row?: Partial<ReportRow>;
    choices?: Partial<RerunChoices>;
  } = {},
): Record<string, string> {
  const run: AuditedRun = {
    runId: "run-1",
    sqlSha256: createHash("sha256").update(SQL).digest("hex"),
    parameters: `{"day": {"type": "DATE", "value": "2026-03-02"}, "run_id": "run-1"}`,
    dataAsOf: new Date("2026-03-02T10:00:00.123Z"),
    ...changes.run,
  };
  const choices = { isAsOfThen: false, isSent: false, isChangeAccepted: false, ...changes.choices };
  return planRerun(run, aReportRow({ ...ROW, ...changes.row }), choices);
}

describe("a run that is done again", () => {
  test("is an ADHOC report without recipients, with the values of then and the secrets of now", () => {
    expect(plan()).toEqual({
      REPORT_NAME: "Daily Sales",
      REPORT_TYPE: "ADHOC",
      REPORT_SQL: SQL,
      PARAMETERS:
        '{"day":{"type":"DATE","value":"2026-03-02"},"key":{"type":"TEXT","value":"s3cret","secret":true},"run_id":"run-1"}',
      OUTPUT_FORMAT: "CSV",
      TIMEZONE: "Europe/Berlin",
      OWNER_EMAIL: "owner@example.com",
      RERUN_OF: "run-1",
    });
  });

  test("goes to the recipients when asked", () => {
    expect(plan({ choices: { isSent: true } })).toMatchObject({
      EMAIL_RECIPIENTS: "ann@example.com",
      SLACK_WEBHOOK: "finance",
    });
  });

  test("sees the data as of then when asked, to the millisecond", () => {
    expect(plan({ choices: { isAsOfThen: true } })["AS_OF"]).toBe("2026-03-02T10:00:00.123");
  });

  test("keeps the options but the conditions, whose parameters it does not need either", () => {
    const columns = plan({
      row: {
        options: `{"title": "T", "sendWhen": "rows", "readyWhen": {"sql": "SELECT :gate"}}`,
        parameters: `{"day": "x", "key": "y", "gate": 1}`,
      },
    });
    expect(columns["OPTIONS"]).toBe('{"title":"T"}');
    expect(columns["PARAMETERS"]).not.toContain("gate");
    const row = aReportRow({ reportSql: SQL, parameters: columns["PARAMETERS"] ?? null });
    expect(parseReport(row, new Date()).builtIns).toEqual([]);
  });

  test("of other SQL is refused with both hashes, until that is accepted", () => {
    const row = { reportSql: `${SQL} ` };
    expect(errorOf(() => plan({ row })).message).toMatch(
      /^REPORT_SQL is not what run run-1 ran: its SHA-256 was [0-9a-f]{12} and is [0-9a-f]{12}; --changed/,
    );
    expect(plan({ row, choices: { isChangeAccepted: true } })["REPORT_SQL"]).toBe(`${SQL} `);
  });

  test.each<[string, Partial<AuditedRun>, Partial<RerunChoices>, string]>([
    ["whose SQL is not known", { sqlSha256: null }, {}, "what SQL run run-1 ran is not known"],
    ["that bound nothing", { parameters: null }, {}, "run run-1 bound nothing"],
    ["that read no data", { dataAsOf: null }, { isAsOfThen: true }, "run run-1 read no data"],
  ])("a run %s is refused", (_what, run, choices, message) => {
    const error = errorOf(() => plan({ run, choices }));
    expect(error.code).toBe("invalid_report");
    expect(error.message).toStartWith(message);
  });

  test.each(["{", "[", "1", '"x"'])(
    "OPTIONS %s are no JSON object, and that is said",
    (options) => {
      expect(errorOf(() => plan({ row: { options } })).message).toStartWith("OPTIONS: is no");
    },
  );
});

describe("a burst that is done again", () => {
  const options = JSON.stringify({
    sendWhen: "rows",
    burst: { sql: "SELECT KEY, EMAIL FROM PEOPLE WHERE SINCE > :since" },
  });
  const parameters = '{"day": "2026-12-24", "since": "2026-01-01", "key": "k"}';

  test("is sent to its present recipients, with all values that its statements use", () => {
    const run = { parameters: '{"day": "2026-03-02", "since": "2025-01-01", "run_id": "run-1"}' };
    const planned = plan({
      run,
      row: { options, parameters, emailRecipients: null },
      choices: { isSent: true },
    });
    expect(JSON.parse(planned["PARAMETERS"] ?? "")).toEqual({
      day: "2026-03-02",
      since: "2025-01-01",
      key: "k",
      run_id: "run-1",
    });
    expect(Object.keys(JSON.parse(planned["OPTIONS"] ?? ""))).toEqual(["burst"]);
  });

  test("is refused for nobody, because its files are their recipients' own", () => {
    const error = errorOf(() => plan({ row: { options, parameters } }));
    expect(error.message).toBe(
      "it is a burst, whose files are made for its recipients only; --send makes and sends them",
    );
  });
});
