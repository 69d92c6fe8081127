import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { shareService } from "../service/service.ts";

setDefaultTimeout(30_000);

const service = await shareService();
const WORKER = { SNOWFLAKE_USER: "REPORT_SERVICE_USER", SNOWFLAKE_ROLE: "REPORT_WORKER_ROLE" };

async function doctor(environment: Record<string, string>) {
  const { exitCode, output } = await service.start(["doctor"], environment).ended;
  return { exitCode, output, lines: output.split("\n") };
}

function lineOf(lines: readonly string[], check: string): string {
  return lines.find((line) => line.split(/ +/)[1] === check) ?? `no line of ${check}`;
}

describe("doctor under the worker's role", () => {
  test("is content with what setup gave it, and says which role sees the rest", async () => {
    const { exitCode, output, lines } = await doctor(WORKER);
    expect(exitCode, output).toBe(0);
    for (const check of ["stream", "procedures", "function"]) {
      expect(lineOf(lines, check)).toMatch(
        /^ok {4}\w+ +not checked: .* not visible to REPORT_WORKER_ROLE; run doctor as CORTEX_USER_ROLE$/,
      );
    }
    expect(output).toMatch(/^ok {4}task +ECS_TRIGGER_TASK has not run yet$/m);
  });

  test("names the table that it may not use, and the grant", async () => {
    await service.connection.execute(
      "REVOKE UPDATE ON TABLE REPORT_RUN FROM ROLE REPORT_WORKER_ROLE",
    );
    const { exitCode, output } = await doctor(WORKER);
    await service.connection.execute("GRANT UPDATE ON TABLE REPORT_RUN TO ROLE REPORT_WORKER_ROLE");
    expect(exitCode).toBe(1);
    expect(output).toMatch(/^FAIL {2}table +REPORT_RUN: /m);
    expect(output).toContain(
      "GRANT SELECT, INSERT, UPDATE ON TABLE REPORTING_DB.CONFIG.REPORT_RUN",
    );
  });
});

test("with the role of an administrator the function that no deploy made is missing", async () => {
  const { exitCode, lines } = await doctor({ SNOWFLAKE_ROLE: "ACCOUNTADMIN" });
  expect(exitCode).toBe(1);
  expect(lineOf(lines, "function")).toMatch(/^FAIL .* is missing, or may not be seen/);
  expect(lineOf(lines, "stream")).toStartWith("ok ");
});

test("with a bucket, doctor asks nothing of OUTPUT_FOLDER", async () => {
  const nowhere = "/dev/null/out";
  const { exitCode, output, lines } = await doctor({
    ...WORKER,
    OUTPUT_FOLDER: nowhere,
    REPORT_BUCKET: "report-files",
  });
  expect(exitCode, output).toBe(0);
  expect(lineOf(lines, "store")).toContain("not checked: s3://report-files");
  expect(lineOf(lines, "mail")).toContain("not checked");
  const without = await doctor({ ...WORKER, OUTPUT_FOLDER: nowhere });
  expect(lineOf(without.lines, "store")).toStartWith("FAIL");
});
