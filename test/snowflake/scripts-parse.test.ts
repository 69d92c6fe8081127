import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { splitStatements } from "../../src/report/script.ts";
import { renderOperatorSummary } from "../../src/snowflake/operator-summary.ts";
import { renderRunAfterDeploy } from "../../src/snowflake/run-after-deploy.ts";
import {
  OPERATOR_SUMMARY,
  RUN_AFTER_DEPLOY_TEMPLATE,
  SCRIPTS,
} from "../../src/snowflake/script-files.ts";
import {
  IS_DELIVERY_DUE,
  IS_DUE,
  LAST_BEATS,
  LEASE_ENDS_AT,
} from "../../src/snowflake/queue-sql.ts";
import { inFolder, runReader } from "../render/readers.ts";

const root = join(import.meta.dir, "../..");
/** Another reading of Snowflake's grammar than the local Snowflake's. `.ci/run` says which version, and installs it. */
const SQLFLUFF = join(root, ".venv/bin/sqlfluff");
const lacking =
  process.env["CI"] === "true" || existsSync(SQLFLUFF)
    ? ""
    : " (skipped: sqlfluff is not in .venv; .ci/run installs it)";

const DEPLOYED = renderRunAfterDeploy(RUN_AFTER_DEPLOY_TEMPLATE, {
  url: "https://a1b2c3.execute-api.us-east-1.amazonaws.com/prod/trigger",
  roleArn: "arn:aws:iam::123456789012:role/report-service-snowflake",
});

/** With its report's SQL, which is a text to the script. */
const SUMMARY = renderOperatorSummary(OPERATOR_SUMMARY, "o'neil@example.com", {}).text;
const [, , , SUMMARY_SQL = ""] = SUMMARY.split("$$");

const parsedSchema = z.array(z.object({ filepath: z.string(), segments: z.unknown() }));

/** What the parser could not read, by file name. */
async function findUnparsable(
  files: Readonly<Record<string, string>>,
): Promise<Map<string, string[]>> {
  return await inFolder(async (folder) => {
    for (const [name, text] of Object.entries(files)) await Bun.write(join(folder, name), text);
    const config = join(import.meta.dir, "sqlfluff.cfg");
    const parse = [SQLFLUFF, "parse", "--config", config, "--format", "json", folder];
    // It ends with 1 when something cannot be read, which is to be seen by what it prints.
    const output = await runReader(["sh", "-c", '"$@" || [ $? -eq 1 ]', "sh", ...parse]);
    const parsed = parsedSchema.parse(JSON.parse(output));
    return new Map(
      parsed.map(({ filepath, segments }) => [
        filepath.split("/").at(-1) ?? "",
        collectUnparsable(segments),
      ]),
    );
  });
}

function collectUnparsable(segment: unknown): string[] {
  if (typeof segment !== "object" || segment === null) return [];
  return Object.entries(segment).flatMap(([name, value]) =>
    name === "unparsable" ? [textOf(value)] : collectUnparsable(value),
  );
}

function textOf(segment: unknown): string {
  if (typeof segment === "string") return segment;
  if (typeof segment !== "object" || segment === null) return "";
  return Object.values(segment).map(textOf).join("");
}

/** sqlfluff 4.3.0 knows ALTER STORAGE INTEGRATION and no other. */
const UNKNOWN_TO_PARSER = /^ALTER API INTEGRATION REPORT_TRIGGER_API (?:SET|UNSET)\s/;

describe.skipIf(lacking !== "")(`the scripts in sqlfluff${lacking}`, () => {
  let unparsable = new Map<string, string[]>();

  beforeAll(async () => {
    const deployed = splitStatements(DEPLOYED).filter(({ text }) => !UNKNOWN_TO_PARSER.test(text));
    unparsable = await findUnparsable({
      ...Object.fromEntries(SCRIPTS.map(({ name, text }) => [name, text])),
      "run_after_deploy.sql": deployed.map(({ text }) => `${text};\n`).join(""),
      "operator_summary.sql": SUMMARY,
      "operator_summary_select.sql": `${SUMMARY_SQL.replaceAll(":scheduled_for", "'2026-03-02 06:00:00'::TIMESTAMP_NTZ")};\n`,
      "wrong.sql": "CREATE TABEL T (A INT);\nSELECT 1;\n",
    });
  }, 60_000);

  test.each([
    ...SCRIPTS.map(({ name }) => name),
    "run_after_deploy.sql",
    "operator_summary.sql",
    "operator_summary_select.sql",
  ])("%s is Snowflake SQL", (name) => {
    expect(unparsable.get(name)).toEqual([]);
  });

  test("what is no SQL is found", () => {
    expect(unparsable.get("wrong.sql")?.join("")).toContain("TABEL");
  });
});

test("all but two statements of run_after_deploy.sql are shown to the parser", () => {
  const statements = splitStatements(DEPLOYED);
  expect(statements.filter(({ text }) => UNKNOWN_TO_PARSER.test(text))).toHaveLength(2);
  expect(statements.length).toBeGreaterThan(5);
});

const procedures = SCRIPTS.flatMap(({ text }) => splitStatements(text))
  .filter(({ text }) => text.includes("LANGUAGE JAVASCRIPT"))
  .map(({ text }) => {
    const [, name = "", body = ""] = /PROCEDURE (\w+)[\s\S]*?\$\$([\s\S]*)\$\$/.exec(text) ?? [];
    return { name, body };
  });

describe("the procedures", () => {
  test.each(procedures)("$name is JavaScript", ({ body }) => {
    // oxlint-disable-next-line no-new-func, no-implied-eval -- it is compiled, as Snowflake compiles it, and not called
    expect(() => new Function("snowflake", body)).not.toThrow();
  });

  /** The same condition, however its lines are broken. */
  const plain = (sql: string): string => sql.replaceAll(/\s+/g, "");
  const withoutBrackets = (sql: string): string => plain(sql).slice(1, -1);

  test("TRIGGER_IF_DUE means by due, expired and undelivered what the queue means", () => {
    const body = plain(procedures.find(({ name }) => name === "TRIGGER_IF_DUE")?.body ?? "");
    expect(body).toContain(withoutBrackets(IS_DUE));
    expect(body).toContain(plain(LEASE_ENDS_AT).replace("?", "300"));
    expect(body).toContain(plain(LAST_BEATS));
    expect(body).toContain(withoutBrackets(IS_DELIVERY_DUE));
  });

  test("CANCEL_REPORT and RETRY_REPORT write what the commands of that name write", async () => {
    const source = await Bun.file(join(root, "src/snowflake/reports.ts")).text();
    const updates = [...source.matchAll(/`(UPDATE REPORT_CONFIG [^`]*)`/g)].map(([, sql = ""]) =>
      plain(sql),
    );
    const bodies = procedures.map(({ body }) => plain(body)).join("");
    expect(updates).toHaveLength(3);
    for (const update of updates) expect(bodies).toContain(update);
  });
});
