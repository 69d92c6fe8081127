import { describe, expect, test } from "bun:test";
import { ReportError } from "../../src/report/errors.ts";
import { renderRunAfterDeploy } from "../../src/snowflake/run-after-deploy.ts";
import { RUN_AFTER_DEPLOY_TEMPLATE, SCRIPTS } from "../../src/snowflake/script-files.ts";
import { DEFAULT_NAMES, renderScript } from "../../src/snowflake/scripts.ts";

const NAMES = { database: "DB2", schema: "SCH2", warehouse: "WH$2", role: "R2" };

describe("renderScript", () => {
  test.each([
    ["CREATE DATABASE IF NOT EXISTS REPORTING_DB", "CREATE DATABASE IF NOT EXISTS DB2"],
    ["CREATE SCHEMA IF NOT EXISTS REPORTING_DB.CONFIG", "CREATE SCHEMA IF NOT EXISTS DB2.SCH2"],
    ["USE SCHEMA CONFIG", "USE SCHEMA SCH2"],
    ["create schema if not exists config", "create schema if not exists SCH2"],
    [
      "SELECT * FROM reporting_db . config . REPORT_CONFIG",
      "SELECT * FROM DB2 . SCH2 . REPORT_CONFIG",
    ],
    ["WAREHOUSE = COMPUTE_WH", "WAREHOUSE = WH$2"],
    ["TO ROLE CORTEX_USER_ROLE", "TO ROLE R2"],
    ["SYSTEM$STREAM_HAS_DATA('REPORTING_DB.CONFIG.S')", "SYSTEM$STREAM_HAS_DATA('DB2.SCH2.S')"],
    ["AS $$ var s = 'REPORTING_DB.CONFIG.T'; // x\n$$", "AS $$ var s = 'DB2.SCH2.T'; // x\n$$"],
  ])("%s becomes %s", (text, expected) => {
    expect(renderScript(text, NAMES)).toBe(expected);
  });

  test.each([
    "-- REPORTING_DB.CONFIG is the default\n/* COMPUTE_WH */",
    "SELECT CONFIG FROM REPORT_CONFIG",
    "MY_REPORTING_DB, REPORTING_DB_2, REPORTING_DB$, XCOMPUTE_WH",
  ])("stays as it is: %s", (text) => {
    expect(renderScript(text, NAMES)).toBe(text);
  });

  test("no default name is left in any script when all are given", () => {
    const defaults = Object.entries(DEFAULT_NAMES);
    const names = Object.fromEntries(defaults.map(([of], index) => [of, `N${index}_OF_${of}`]));
    for (const { text } of [...SCRIPTS, { text: RUN_AFTER_DEPLOY_TEMPLATE }]) {
      const code = renderScript(text, names).replaceAll(/--.*$/gm, "");
      for (const [of, name] of defaults) {
        if (of === "schema") expect(code).not.toMatch(/SCHEMA CONFIG|\.CONFIG\b/);
        else expect(code).not.toMatch(new RegExp(`\\b${name}\\b`));
      }
    }
  });

  test("a name that is another's default stays what it was put in as", () => {
    expect(
      renderScript("TO ROLE REPORT_WORKER_ROLE, REPORT_READER_ROLE", {
        workerRole: "REPORT_READER_ROLE",
        readerRole: "REPORT_WORKER_ROLE",
      }),
    ).toBe("TO ROLE REPORT_READER_ROLE, REPORT_WORKER_ROLE");
  });

  test("names that are not given keep their default", () => {
    const text = "GRANT USAGE ON DATABASE REPORTING_DB TO ROLE CORTEX_USER_ROLE";
    expect(renderScript(text, {})).toBe(text);
    expect(renderScript(text, { role: "R2" })).toBe(
      "GRANT USAGE ON DATABASE REPORTING_DB TO ROLE R2",
    );
  });

  test.each(["my-db", 'a"b', "", "1a", "a; DROP TABLE t"])(
    "%j is refused as a name",
    (database) => {
      expect(() => renderScript("", { database })).toThrow(ReportError);
    },
  );
});

describe("renderRunAfterDeploy", () => {
  const TARGET = {
    url: "https://a1b2c3.execute-api.us-east-1.amazonaws.com/prod/trigger",
    roleArn: "arn:aws:iam::123456789012:role/report-service-snowflake",
  };

  test("fills in everything, and the installation's names", () => {
    const text = renderRunAfterDeploy(RUN_AFTER_DEPLOY_TEMPLATE, TARGET, NAMES);
    expect(text).not.toContain("{{");
    expect(text).toContain(`API_ALLOWED_PREFIXES = ('${TARGET.url}')`);
    expect(text).toContain(`AS '${TARGET.url}'`);
    expect(text).toContain(`API_AWS_ROLE_ARN = '${TARGET.roleArn}'`);
    expect(text).toContain("USE SCHEMA DB2.SCH2");
  });

  test("without an API key the one that may be set is taken away", () => {
    const text = renderRunAfterDeploy(RUN_AFTER_DEPLOY_TEMPLATE, TARGET);
    expect(text).toContain("ALTER API INTEGRATION REPORT_TRIGGER_API UNSET API_KEY;");
    const keyed = renderRunAfterDeploy(RUN_AFTER_DEPLOY_TEMPLATE, {
      ...TARGET,
      apiKey: "k".repeat(20),
    });
    expect(keyed).toContain(`SET API_KEY = '${"k".repeat(20)}';`);
    expect(keyed).not.toContain("UNSET");
  });

  test.each([
    { url: "http://example.com/trigger" },
    { url: "https://x/'; DROP TABLE t; --" },
    { roleArn: "arn:aws:iam::12:role/x" },
    { apiKey: "short" },
  ])("%j is refused", (wrong) => {
    expect(() => renderRunAfterDeploy(RUN_AFTER_DEPLOY_TEMPLATE, { ...TARGET, ...wrong })).toThrow(
      ReportError,
    );
  });

  test("a refused API key is not repeated", () => {
    const apiKey = "secret'quote".repeat(3);
    expect(() => renderRunAfterDeploy(RUN_AFTER_DEPLOY_TEMPLATE, { ...TARGET, apiKey })).toThrow(
      "the API key cannot be right: the one given",
    );
  });

  test("the local service's URL is taken", () => {
    const url = "http://127.0.0.1:8080/trigger";
    expect(renderRunAfterDeploy(RUN_AFTER_DEPLOY_TEMPLATE, { ...TARGET, url })).toContain(
      `AS '${url}'`,
    );
  });
});
