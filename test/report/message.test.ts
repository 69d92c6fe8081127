import { describe, expect, test } from "bun:test";
import {
  chooseAttachments,
  formatBytes,
  formatCount,
  linkReason,
  writeFailureMessage,
  writeResultMessage,
} from "../../src/report/message.ts";
import { anArtifact, someFacts } from "../support/factories.ts";

const MEGABYTE = 1_000_000;

describe("chooseAttachments", () => {
  const pdf = anArtifact({ format: "PDF", sizeBytes: 3 * MEGABYTE });
  const excel = anArtifact({ format: "EXCEL", sizeBytes: 1 * MEGABYTE });
  const csv = anArtifact({ format: "CSV", sizeBytes: 2 * MEGABYTE });

  test("what fits together is attached, the smallest first, in the order that was asked for", () => {
    // 3 MB are 4.1 MB as encoded, 1 MB and 2 MB together as well.
    expect(chooseAttachments([pdf, excel, csv], 4.2 * MEGABYTE)).toEqual({
      attached: [excel, csv],
      linked: [pdf],
    });
  });

  test("sizes count as encoded for mail, a third and the line breaks more", () => {
    expect(chooseAttachments([pdf], 3 * MEGABYTE).attached).toEqual([]);
    expect(chooseAttachments([pdf], 4.1 * MEGABYTE).attached).toEqual([]);
    expect(chooseAttachments([pdf], 4.11 * MEGABYTE).attached).toEqual([pdf]);
  });

  test("a limit of nothing links everything", () => {
    expect(chooseAttachments([pdf, excel], 0)).toEqual({ attached: [], linked: [pdf, excel] });
  });
});

describe("linkReason", () => {
  test("it gives the size and the limit", () => {
    const reason = linkReason(anArtifact({ sizeBytes: 9 * MEGABYTE }), 7 * MEGABYTE);
    expect(reason).toContain("9.0 MB");
    expect(reason).toContain("7.0 MB");
  });

  test("a channel that attaches nothing blames no size", () => {
    expect(linkReason(anArtifact({ sizeBytes: 10 }), 0)).toBe("no files are attached here");
  });
});

describe("the message of a completed run", () => {
  test("the subject has the name and the number of rows", () => {
    const subject = (rowCount: number): string =>
      writeResultMessage(someFacts({ rowCount }), [], [], []).subject;
    expect(subject(0)).toBe("Daily Sales (0 rows)");
    expect(subject(1)).toBe("Daily Sales (1 row)");
    expect(subject(1234567)).toBe("Daily Sales (1,234,567 rows)");
  });

  test("the text says which file is attached, which is a link and why", () => {
    const pdf = anArtifact({ format: "PDF", fileName: "a.pdf", sizeBytes: 2_000 });
    const csv = anArtifact({ format: "CSV", fileName: "a.csv", sizeBytes: 9 * MEGABYTE });
    const bytes = new Uint8Array(2_000);
    const attachment = { fileName: "a.pdf", mediaType: "application/pdf", bytes };
    const link = {
      artifact: csv,
      url: "https://files.example/a.csv",
      reason: "9.0 MB is too large",
    };
    const message = writeResultMessage(someFacts(), [pdf, csv], [attachment], [link]);
    expect(message.attachments).toEqual([attachment]);
    expect(message.text).toBe(
      [
        "Daily Sales",
        "",
        "Files",
        "  a.pdf, 2.0 kB, attached",
        "  a.csv, 9.0 MB: https://files.example/a.csv",
        "    (a link, because 9.0 MB is too large)",
        "",
        "Figures",
        "  Rows: 2",
        "  Finished: 2026-03-02 10:00:12 UTC, after 12.3 s",
        "  Snowflake query: 01b2-query",
        "  Report: report-1",
        "  Run: run-1",
        "",
      ].join("\n"),
    );
    expect(message.html).toContain('<a href="https://files.example/a.csv">a.csv, 9.0 MB</a>');
    expect(message.html).toContain("a.pdf, 2.0 kB, attached");
  });

  test("warnings are notes, and a scheduled run names its occurrence", () => {
    const facts = someFacts({
      warnings: [{ message: "3 cells were cut" }],
      scheduledFor: new Date("2026-03-02T09:00:00Z"),
    });
    const { text, html } = writeResultMessage(facts, [], [], []);
    expect(text).toContain("Notes\n  3 cells were cut");
    expect(text).toContain("  Scheduled for: 2026-03-02 09:00:00 UTC");
    expect(html).toContain("<li>3 cells were cut</li>");
  });

  test("whatever comes from a row, a file or a link is escaped in the HTML", () => {
    const evil = `<img src=x onerror="alert('1')">&`;
    const artifact = anArtifact({ fileName: evil });
    const { html } = writeResultMessage(
      someFacts({ reportName: evil, queryId: evil, warnings: [{ message: evil }] }),
      [artifact],
      [],
      [{ artifact, url: `https://files.example/?a=1&b="x"`, reason: evil }],
    );
    expect(html).not.toContain("<img");
    expect(html).toContain(`href="https://files.example/?a=1&amp;b=&quot;x&quot;"`);
    expect(html.match(/&lt;img/g)).toHaveLength(5);
  });
});

describe("the message of a failed run", () => {
  test("a wrong row is to be corrected first", () => {
    const errorMessage = `SCHEDULE_CRON: "x" is not a cron expression`;
    const { subject, text } = writeFailureMessage(
      someFacts({ errorCode: "invalid_report", errorMessage }),
    );
    expect(subject).toBe("Failed: Daily Sales");
    expect(text).toContain(`What went wrong\n  ${errorMessage} (invalid_report)`);
    expect(text).toContain(
      "What to do\n  Correct the row in REPORT_CONFIG, then: report-service retry report-1",
    );
  });

  test("any other failure is tried again when its cause is gone", () => {
    const { text } = writeFailureMessage(
      someFacts({ errorCode: "query_failed", errorMessage: "no such table" }),
    );
    expect(text).toContain("When the cause is gone: report-service retry report-1");
  });

  test("the error is escaped in the HTML", () => {
    const { html } = writeFailureMessage(
      someFacts({ errorCode: "query_failed", errorMessage: "near '<b>'" }),
    );
    expect(html).not.toContain("<b>");
  });
});

test("a line break in the name of a refused row does not reach the subject", () => {
  // The row is refused for it, and its owner is told, by this very name.
  const facts = someFacts({
    reportName: "Sales\r\nBcc: all@example.com\u0000",
    errorCode: "invalid_report",
  });
  expect(writeFailureMessage(facts).subject).toBe("Failed: Sales Bcc: all@example.com");
  expect(writeResultMessage(facts, [], [], []).subject).not.toMatch(/\p{Cc}/u);
});

test("sizes and counts are as people write them", () => {
  expect([0, 999, 1_000, 1_234_567, 2_500_000_000].map(formatBytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "1.2 MB",
    "2.50 GB",
  ]);
  expect(formatCount(1234567)).toBe("1,234,567");
});
