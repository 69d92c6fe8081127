import { expect, test } from "bun:test";
import { writeSummaryMessage } from "../../src/report/burst-message.ts";
import { someFacts } from "../support/factories.ts";

const failures = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: `k${index}`,
    email: `r${index}@example.com`,
    error: "query_failed: <no> table",
  }));

test("a summary of a run in which all got theirs is short", () => {
  const facts = { ...someFacts(), reason: null, recipientsDone: 200, failed: [] };
  const message = writeSummaryMessage(facts);
  expect(message.subject).toBe("Daily Sales (200 recipients, each with their own rows)");
  expect(message.text).not.toContain("Failed");
  expect(message.text).not.toContain("What to do");
  expect(message.attachments).toEqual([]);
});

test("a summary names who failed, why, and what to do, and is not endless", () => {
  const reason = "1 of 61 recipients; 60 failed";
  const facts = { ...someFacts(), reason, recipientsDone: 1, failed: failures(60) };
  const message = writeSummaryMessage(facts);
  expect(message.subject).toBe(`Daily Sales (${reason})`);
  expect(message.text).toContain("k49, r49@example.com: query_failed: <no> table");
  expect(message.text).not.toContain("k50,");
  expect(message.text).toContain("and 10 more");
  expect(message.text).toContain("report-service retry report-1");
  expect(message.html).toContain("query_failed: &lt;no&gt; table");
});

test("the subject has a limit, whatever the reason", () => {
  const reason = "late, because ".repeat(20);
  const message = writeSummaryMessage({ ...someFacts(), reason, recipientsDone: 1, failed: [] });
  expect(message.subject.length).toBeLessThanOrEqual(120);
});
