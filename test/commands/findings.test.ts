import { expect, test } from "bun:test";
import { checked, describeFinding, type Finding } from "../../src/commands/findings.ts";
import { ReportError } from "../../src/report/errors.ts";

test("an error of several lines is a finding of one, with what to do in the next", async () => {
  const findings: Finding[] = [];
  const result = await checked(
    (finding) => findings.push(finding),
    "table",
    "run report-service setup",
    () =>
      Promise.reject(new ReportError("query_failed", "SQL compilation error:\n  no such table")),
  );
  expect(result).toBeNull();
  expect(findings.map(describeFinding)).toEqual([
    "FAIL  table       SQL compilation error: no such table\n                  → run report-service setup",
  ]);
});
