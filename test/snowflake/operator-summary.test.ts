import { describe, expect, test } from "bun:test";
import { parseOptions } from "../../src/report/options.ts";
import { splitStatements } from "../../src/report/script.ts";
import {
  changeOfSummary,
  describeKept,
  renderOperatorSummary,
} from "../../src/snowflake/operator-summary.ts";
import { OPERATOR_SUMMARY } from "../../src/snowflake/script-files.ts";
import { errorOf } from "./errors.ts";

const render = (address: string, names = {}) =>
  renderOperatorSummary(OPERATOR_SUMMARY, address, names);

describe("the script of the daily summary", () => {
  test("holds the address as a text, and an installation's names everywhere else", () => {
    const names = { database: "REPORTS", schema: "QUEUE", readerRole: "READS" };
    const { text } = render("o'neil+report_reader_role$&@example.com", names);
    expect(text).toContain("'o''neil+report_reader_role$&@example.com',");
    expect(text).toContain("FROM REPORTS.QUEUE.REPORT_ACTIVITY A");
    expect(text).toContain("GRANT SELECT ON VIEW REPORT_ACTIVITY TO ROLE READS;");
    expect(text).not.toMatch(/REPORTING_DB|\{\{/);
  });

  test("refuses an address that would reach out of its text", async () => {
    const error = await errorOf(Promise.try(() => render("a\\@example.com")));
    expect(error.message).toStartWith("OPERATOR_EMAIL:");
  });

  test("gives the report options that exist, for columns that its SQL has", () => {
    const [, json = "", , sql = ""] = render("ops@example.com").text.split("$$");
    const options = parseOptions(JSON.parse(json));
    expect(options).not.toHaveProperty("problems");
    const shown = "columns" in options ? Object.keys(options.columns) : [];
    const last = sql.slice(sql.lastIndexOf("SELECT\n"));
    expect([...last.matchAll(/ AS ([A-Z_0-9]+),?\n/g)].map(([, name]) => name ?? "")).toEqual(
      shown,
    );
  });

  test("is told of where it makes the report", () => {
    const script = render("ops@example.com");
    const change = changeOfSummary(null, script);
    expect(change).toMatchObject({ status: "created", kind: "REPORT", name: "operator-summary" });
    const statement = splitStatements(script.text).find(({ line }) => line === change.line);
    expect(statement?.text).toStartWith("MERGE INTO REPORT_CONFIG");
  });
});

test("a summary that is as the setting has it gives no cause to speak", () => {
  const kept = { status: "PENDING", recipients: " Ops@Example.com " };
  expect(describeKept(kept, "ops@example.com")).toEqual([]);
  expect(describeKept({ ...kept, recipients: "" }, "ops@example.com")[0]).toStartWith(
    "the daily summary goes to nobody and not to ops@example.com",
  );
});
