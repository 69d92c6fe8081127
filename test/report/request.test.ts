import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ReportError } from "../../src/report/errors.ts";
import { parseReport, readOwnerEmail, type ReportRow } from "../../src/report/request.ts";
import { START } from "../support/clock.ts";
import { aReportRow, DAILY_AT_NINE, errorOf } from "../support/factories.ts";

const NOW = new Date(START);
const TOPIC = "arn:aws:sns:eu-central-1:123456789012:reports";

function parse(changes: Partial<ReportRow> = {}) {
  return parseReport(aReportRow(changes), NOW);
}

describe("a row that is right", () => {
  test("becomes a report with its defaults", () => {
    expect(parse()).toMatchObject({
      configId: "report-1",
      name: "Daily Sales",
      type: "ADHOC",
      sql: "SELECT * FROM SALES",
      parameters: {},
      builtIns: [],
      asOf: null,
      formats: ["CSV"],
      timezone: "UTC",
      schedule: null,
      misfirePolicy: "RUN_ONCE",
      recipients: { emails: [], snsTopicArn: null, slackWebhook: null },
      ownerEmail: "owner@example.com",
    });
  });

  test("its SQL stays as it is, beside the parameters and the built-in ones that it uses", () => {
    const reportSql = "SELECT * FROM SALES WHERE REGION = :region AND LOADED > :last_run_at";
    const report = parse({ reportSql, parameters: `{"region": "EU"}` });
    expect(report.sql).toBe(reportSql);
    expect(report.parameters).toEqual({ region: { type: null, value: "EU", isSecret: false } });
    expect(report.builtIns).toEqual(["last_run_at"]);
  });

  test("a built-in parameter that PARAMETERS gives is the given one", () => {
    const reportSql = "SELECT :run_id";
    expect(parse({ reportSql, parameters: `{"run_id": "mine"}` }).builtIns).toEqual([]);
  });

  test("the condition of readyWhen may use the same parameters, some or none of them", () => {
    const readyWhen = { sql: "SELECT COUNT(*) > 0 FROM LOADS WHERE DAY = :day AND RUN = :run_id" };
    const options = JSON.stringify({ readyWhen });
    const report = parse({ options, parameters: `{"day": "2026-03-02"}` });
    expect(report.builtIns).toEqual(["run_id"]);
    const reportSql = "SELECT :region";
    const both = parse({ reportSql, options, parameters: `{"day": "1", "region": "EU"}` });
    expect(Object.keys(both.parameters)).toEqual(["day", "region"]);
  });

  test.each([
    ["PDF", ["PDF"]],
    ["pdf, Excel;csv", ["PDF", "EXCEL", "CSV"]],
    ["CSV,PDF,csv ; CSV", ["CSV", "PDF"]],
    [" ,EXCEL, ", ["EXCEL"]],
  ] as const)("OUTPUT_FORMAT %j is %p", (outputFormat, formats) => {
    expect(parse({ outputFormat }).formats).toEqual([...formats]);
  });

  test("lists, spaces and case are read as people write them", () => {
    const report = parse({
      reportName: "  Sales ",
      reportType: " scheduled ",
      scheduleCron: " 0 9 * * 1-5 ",
      timezone: " Europe/Berlin ",
      misfirePolicy: "run_all",
      emailRecipients: "a@example.com; b@example.com,,a@example.com",
      snsTopicArn: ` ${TOPIC} `,
      slackWebhook: " finance ",
      ownerEmail: " owner@example.com ",
    });
    expect(report).toMatchObject({
      name: "Sales",
      type: "SCHEDULED",
      schedule: { cron: "0 9 * * 1-5", timezone: "Europe/Berlin" },
      timezone: "Europe/Berlin",
      misfirePolicy: "RUN_ALL",
      recipients: {
        emails: ["a@example.com", "b@example.com"],
        snsTopicArn: TOPIC,
        slackWebhook: "finance",
      },
      ownerEmail: "owner@example.com",
    });
  });

  test("empty text in a column that may be empty is as good as null", () => {
    const empty = {
      parameters: " ",
      options: "",
      timezone: "",
      emailRecipients: "",
      snsTopicArn: "",
    };
    expect(parse({ ...empty, slackWebhook: "", ownerEmail: " " })).toMatchObject({
      timezone: "UTC",
      recipients: { emails: [], snsTopicArn: null, slackWebhook: null },
      ownerEmail: null,
    });
  });

  test("a cron text is no matter to an ADHOC report", () => {
    expect(parse({ scheduleCron: "nonsense" }).schedule).toBeNull();
  });
});

describe("a row that is wrong", () => {
  const wrong: [Partial<ReportRow>, string][] = [
    [{ reportName: "  " }, "REPORT_NAME: is empty"],
    [{ reportName: "a\nBcc: b" }, "REPORT_NAME: has a control character"],
    [{ reportType: "WEEKLY" }, `REPORT_TYPE: "WEEKLY" is not one of ADHOC, SCHEDULED`],
    [{ outputFormat: "" }, "OUTPUT_FORMAT: is empty"],
    [{ outputFormat: "PDF,DOCX" }, `OUTPUT_FORMAT: "DOCX" is not one of PDF, EXCEL, CSV`],
    [{ parameters: "{" }, "PARAMETERS: is not JSON"],
    [{ parameters: `{"a": [1]}` }, "PARAMETERS: must be a JSON object"],
    [{ parameters: "[1]" }, "PARAMETERS: must be a JSON object"],
    [{ options: "{" }, "OPTIONS: is not JSON"],
    [{ options: `{"page": {"size": "A5"}}` }, "OPTIONS: page.size"],
    [{ reportType: "SCHEDULED" }, "SCHEDULE_CRON: is empty"],
    [{ ...DAILY_AT_NINE, scheduleCron: "0 9 * *" }, "SCHEDULE_CRON: must have five fields"],
    [{ timezone: "Mars/Base" }, `TIMEZONE: "Mars/Base" is not an IANA time zone`],
    [{ misfirePolicy: "NEVER" }, `MISFIRE_POLICY: "NEVER" is not one of`],
    [{ emailRecipients: "a@example.com, b" }, `EMAIL_RECIPIENTS: "b" is not an e-mail address`],
    [{ emailRecipients: "A <a@example.com>" }, "EMAIL_RECIPIENTS"],
    [{ emailRecipients: "a@example.com\r\nBcc: b@example.com" }, "EMAIL_RECIPIENTS"],
    [{ snsTopicArn: "arn:aws:sqs:eu-central-1:123456789012:x" }, "SNS_TOPIC_ARN"],
    [{ slackWebhook: "https://hooks.slack.com/x" }, "SLACK_WEBHOOK: must be the name"],
    [{ ownerEmail: "owner" }, `OWNER_EMAIL: "owner" is not an e-mail address`],
    [{ maxAttempts: 0 }, "MAX_ATTEMPTS: 0 is not a whole number from 1 to 100"],
    [{ maxAttempts: 101 }, "MAX_ATTEMPTS: 101"],
  ];

  test.each(wrong)("%j: %s", (changes, message) => {
    const error = errorOf(() => parse(changes));
    expect(error.code).toBe("invalid_report");
    expect(error.message).toStartWith(message);
    expect(error.message).not.toContain(";  ");
  });

  test("more than 50 recipients are refused", () => {
    const addresses = (count: number): string =>
      Array.from({ length: count }, (_, index) => `a${index}@example.com`).join(",");
    expect(parse({ emailRecipients: addresses(50) }).recipients.emails).toHaveLength(50);
    expect(errorOf(() => parse({ emailRecipients: addresses(51) })).message).toContain(
      "51 addresses",
    );
  });

  test("every wrong column is named in one message", () => {
    const all = wrong.map(([changes]) => changes).reduce((a, b) => ({ ...a, ...b }), {});
    const error = errorOf(() =>
      parse({ ...all, ...DAILY_AT_NINE, scheduleCron: "x", timezone: "y" }),
    );
    expect(error.code).toBe("invalid_report");
    for (const column of [
      "REPORT_NAME",
      "OUTPUT_FORMAT",
      "PARAMETERS",
      "OPTIONS",
      "SCHEDULE_CRON",
      "TIMEZONE",
      "MISFIRE_POLICY",
      "EMAIL_RECIPIENTS",
      "SNS_TOPIC_ARN",
      "SLACK_WEBHOOK",
      "OWNER_EMAIL",
      "MAX_ATTEMPTS",
    ]) {
      expect(error.message).toContain(`${column}: `);
    }
  });

  test("a refused statement keeps its code when it is all that is wrong", () => {
    expect(errorOf(() => parse({ reportSql: "DROP TABLE SALES" })).code).toBe("statement_refused");
    const error = errorOf(() => parse({ reportSql: "DROP TABLE SALES", outputFormat: "DOCX" }));
    expect(error.code).toBe("invalid_report");
    expect(error.message).toContain("REPORT_SQL");
    expect(error.message).toContain("OUTPUT_FORMAT");
  });

  test("a missing parameter is named, and not once more when the parameters cannot be read at all", () => {
    const reportSql = "SELECT :year";
    expect(errorOf(() => parse({ reportSql })).message).toContain("year");
    expect(errorOf(() => parse({ reportSql, parameters: "{" })).message).not.toContain("year");
  });

  test.each([
    [
      "DELETE FROM LOADS",
      "statement_refused",
      "OPTIONS.readyWhen.sql, line 1: it must be one SELECT",
    ],
    ["SELECT 1;\nSELECT 2", "statement_refused", "OPTIONS.readyWhen.sql, line 2: there is more"],
    ["--", "invalid_report", "OPTIONS.readyWhen.sql is empty"],
    [
      "SELECT :day",
      "invalid_report",
      "PARAMETERS has no value for :day (OPTIONS.readyWhen.sql, line 1)",
    ],
    ["SELECT ?", "invalid_report", "OPTIONS.readyWhen.sql, line 1: ? has no name"],
  ] as const)("the condition %j is refused by its name", (sql, code, message) => {
    const error = errorOf(() => parse({ options: JSON.stringify({ readyWhen: { sql } }) }));
    expect(error.code).toBe(code);
    expect(error.message).toStartWith(message);
  });

  test("a time in the future is no time to see data as of", () => {
    const asOf = new Date(NOW.getTime() + 1);
    expect(errorOf(() => parse({ asOf })).message).toBe(
      "AS_OF: 2026-03-02T10:00:00.001Z is in the future",
    );
    expect(parse({ asOf: NOW }).asOf).toEqual(NOW);
  });

  test("the values of parameters are not in the message", () => {
    const error = errorOf(() => parse({ parameters: `{"token": ["s3cret"]}` }));
    expect(error.message).toContain("token");
    expect(error.message).not.toContain("s3cret");
  });

  test("whatever the text of a row, it is a report or one ReportError", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.json());
    const maybe = fc.option(text);
    const rows = fc.record({
      reportName: text,
      reportType: fc.oneof(text, fc.constantFrom("ADHOC", "SCHEDULED")),
      reportSql: text,
      parameters: maybe,
      outputFormat: text,
      options: maybe,
      scheduleCron: maybe,
      timezone: maybe,
      misfirePolicy: text,
      emailRecipients: maybe,
      snsTopicArn: maybe,
      slackWebhook: maybe,
      ownerEmail: maybe,
    });
    fc.assert(
      fc.property(rows, (changes) => {
        try {
          parse(changes);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ReportError);
        }
      }),
    );
  });
});

describe("readOwnerEmail", () => {
  test("the owner of a wrong row is still read", () => {
    const row = aReportRow({ outputFormat: "DOCX", reportSql: "" });
    expect(readOwnerEmail(row)).toBe("owner@example.com");
  });

  test("an owner that cannot be read is none", () => {
    expect(readOwnerEmail(aReportRow({ ownerEmail: "nobody" }))).toBeNull();
    expect(readOwnerEmail(aReportRow({ ownerEmail: null }))).toBeNull();
  });
});
