import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { splitStatements } from "../../../src/report/script.ts";
import { type Connection, openConnection } from "../../../src/snowflake/connection.ts";
import { openLedger } from "../../../src/snowflake/ledger.ts";
import { openQueue } from "../../../src/snowflake/queue.ts";
import { openReader } from "../../../src/snowflake/reader.ts";
import {
  addReport,
  cancelReport,
  findReport,
  readHistory,
} from "../../../src/snowflake/reports.ts";
import { CONTROL_SESSION, type SnowflakeSettings } from "../../../src/snowflake/settings.ts";
import { ENDLESS_SQL, eventually, type Service, startService } from "../../service/service.ts";
import { errorOf } from "../../snowflake/errors.ts";
import { settingsFor } from "../../snowflake/fake-warehouse.ts";

/** What snowflake/05_roles_and_grants.sql gives is enough for the service's own statements, and no more. */

const SCRIPTS = [
  "01_enhanced_config_table",
  "02_streams_setup",
  "03_stored_procedures",
  "04_tasks_setup",
  "05_roles_and_grants",
];

let service: Service;

beforeAll(async () => {
  service = await startService();
  await service.connection.execute("CREATE DATABASE MART");
  await service.connection.execute("CREATE TABLE MART.PUBLIC.SALES AS SELECT 7 AS AMOUNT");
  for (const on of ["DATABASE MART", "SCHEMA MART.PUBLIC"])
    await service.connection.execute(`GRANT USAGE ON ${on} TO ROLE REPORT_READER_ROLE`);
  await service.connection.execute(
    "GRANT SELECT ON ALL TABLES IN SCHEMA MART.PUBLIC TO ROLE REPORT_READER_ROLE",
  );
  await service.connection.execute("USE SCHEMA REPORTING_DB.CONFIG");
  await service.connection.execute("CREATE USER ANN");
  await service.connection.execute("GRANT ROLE REPORT_USER_ROLE TO USER ANN");
}, 60_000);

afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

async function runScript(name: string): Promise<void> {
  const file = Bun.file(join(import.meta.dir, `../../../snowflake/${name}.sql`));
  await service.connection.execute("USE ROLE ACCOUNTADMIN");
  for (const { text } of splitStatements(await file.text())) await service.connection.execute(text);
}

function settings(username: string, role?: string): SnowflakeSettings {
  return settingsFor(service.snowflake.url, {
    account: service.snowflake.account,
    username,
    warehouse: "COMPUTE_WH",
    database: "REPORTING_DB",
    schema: "CONFIG",
    ...(role === undefined ? {} : { role }),
  });
}

function connect(username: string, role?: string): Promise<Connection> {
  return openConnection(settings(username, role), { sessionParameters: CONTROL_SESSION });
}

async function failureOf(connection: Connection, sql: string) {
  const { code, message, warehouse } = await errorOf(connection.execute(sql));
  return { code, message, vendorCode: warehouse.vendorCode };
}

const SALES = { REPORT_NAME: "sales", REPORT_SQL: "SELECT * FROM MART.PUBLIC.SALES" };

describe("the service's user", () => {
  test("has the worker's role, the warehouse and the schema without asking, and no other role counts", async () => {
    await using connection = await connect("REPORT_SERVICE_USER");
    const { rows } = await connection.execute(
      "SELECT CURRENT_ROLE() AS R, CURRENT_WAREHOUSE() AS W, CURRENT_SCHEMA() AS S",
    );
    expect(rows).toEqual([{ R: "REPORT_WORKER_ROLE", W: "COMPUTE_WH", S: "CONFIG" }]);
    expect(await failureOf(connection, "SELECT * FROM MART.PUBLIC.SALES")).toMatchObject({
      vendorCode: "002003",
    });
  });

  test("may not take a role that it was not granted", async () => {
    const error = await errorOf(connect("REPORT_SERVICE_USER", "REPORT_TASK_ROLE"));
    expect(error).toMatchObject({ code: "login_refused" });
    expect(error.message).toContain("'REPORT_TASK_ROLE'");
    expect(error.message).toContain("GRANT ROLE REPORT_TASK_ROLE TO USER REPORT_SERVICE_USER;");
  });
});

test("a worker process with the two roles makes, files and sends a report", async () => {
  await using ann = await connect("ANN", "REPORT_USER_ROLE");
  const configId = await addReport(ann, {
    ...SALES,
    OUTPUT_FORMAT: "CSV,EXCEL,PDF",
    EMAIL_RECIPIENTS: "ann@example.com",
  });
  const long = { ...SALES, REPORT_SQL: ENDLESS_SQL, OUTPUT_FORMAT: "CSV" };
  const longId = await addReport(ann, long);
  const worker = service.start(["run"], {
    SNOWFLAKE_USER: "REPORT_SERVICE_USER",
    SNOWFLAKE_ROLE: "REPORT_WORKER_ROLE",
    SNOWFLAKE_READER_ROLE: "REPORT_READER_ROLE",
    HEARTBEAT_INTERVAL: "300ms",
  });
  await eventually("a heartbeat", async () => {
    const { rows } = await service.connection.execute("SELECT WORKER_ID FROM WORKER_HEARTBEAT");
    return rows.length > 0;
  });
  await ann.execute("CALL CANCEL_REPORT(?)", [longId]);
  const { exitCode, output } = await worker.ended;
  expect(exitCode, output).toBe(0);
  expect(await findReport(ann, longId)).toMatchObject({ status: "CANCELLED" });
  expect(await findReport(ann, configId)).toMatchObject({ status: "COMPLETED", rowCount: 1 });
  const { deliveries } = await readHistory(service.connection, configId, 5);
  expect(deliveries).toMatchObject([{ channel: "EMAIL", state: "SENT" }]);
  const { rows: users } = await service.connection.execute(
    "SELECT CREATED_BY FROM REPORT_CONFIG WHERE CONFIG_ID = ?",
    [configId],
  );
  expect(users).toEqual([{ CREATED_BY: "ANN" }]);
}, 30_000);

describe("REPORT_WORKER_ROLE", () => {
  test("can give a claim back, take it over, cancel, and settle what it owes", async () => {
    await using connection = await connect("REPORT_SERVICE_USER", "REPORT_WORKER_ROLE");
    const configId = await addReport(connection, SALES);
    const identity = { workerId: "w", bootId: "b0b0b0b0", version: "1" };
    const queue = openQueue(connection, identity, { leaseSeconds: 60, perOwnerMax: 10 });
    const [candidate] = await queue.candidates("any", 5);
    const claim = candidate === undefined ? null : await queue.claimIfUnchanged(candidate);
    expect(claim).toMatchObject({ configId });
    expect(await queue.cancelRequested(claim === null ? [] : [claim])).toEqual([]);
    expect(await queue.depth()).toMatchObject({ running: 1, pending: 0 });
    expect(await cancelReport(connection, configId)).toBe("requested");
    const ledger = openLedger(connection, 60);
    expect(await ledger.claimDue(null)).toBeNull();
  });

  test.each([
    ["DELETE FROM REPORT_RUN", "GRANT DELETE ON TABLE REPORTING_DB.CONFIG.REPORT_RUN"],
    ["TRUNCATE TABLE REPORT_CONFIG", "GRANT TRUNCATE ON TABLE REPORTING_DB.CONFIG.REPORT_CONFIG"],
    [
      "UPDATE WORKER_HEARTBEAT SET WORKER_ID = 'x'",
      "GRANT UPDATE ON TABLE REPORTING_DB.CONFIG.WORKER_HEARTBEAT",
    ],
    ["DROP TABLE REPORT_CONFIG", "GRANT OWNERSHIP ON TABLE REPORTING_DB.CONFIG.REPORT_CONFIG"],
    [
      "ALTER TABLE REPORT_RUN ADD COLUMN X INT",
      "GRANT OWNERSHIP ON TABLE REPORTING_DB.CONFIG.REPORT_RUN",
    ],
    ["CREATE TABLE T (A INT)", "GRANT CREATE TABLE ON SCHEMA REPORTING_DB.CONFIG"],
    [
      "ALTER TASK ECS_TRIGGER_TASK SUSPEND",
      "GRANT OPERATE ON TASK REPORTING_DB.CONFIG.ECS_TRIGGER_TASK",
    ],
    ["CREATE DATABASE D2", "GRANT CREATE DATABASE ON ACCOUNT"],
    [
      "GRANT SELECT ON TABLE REPORT_RUN TO ROLE PUBLIC",
      "GRANT OWNERSHIP ON TABLE REPORTING_DB.CONFIG.REPORT_RUN",
    ],
  ])("may not %s, and is told what is missing", async (sql, grant) => {
    await using connection = await connect("REPORT_SERVICE_USER", "REPORT_WORKER_ROLE");
    const failure = await failureOf(connection, sql);
    expect(failure).toMatchObject({ code: "query_failed", vendorCode: "003001" });
    expect(failure.message).toContain(`${grant} TO ROLE REPORT_WORKER_ROLE;`);
  });

  test("does not see the stream, whose reading is the task's", async () => {
    await using connection = await connect("REPORT_SERVICE_USER", "REPORT_WORKER_ROLE");
    const failure = await failureOf(
      connection,
      "INSERT INTO REPORT_RUN (RUN_ID, CONFIG_ID, FENCE, ATTEMPT) SELECT CONFIG_ID, CONFIG_ID, 0, 0 FROM REPORT_CONFIG_INSERT_STREAM",
    );
    expect(failure.vendorCode).toBe("002003");
    expect(failure.message).toContain("ON STREAM REPORTING_DB.CONFIG.REPORT_CONFIG_INSERT_STREAM");
  });
});

describe("REPORT_READER_ROLE", () => {
  test.each([
    "UPDATE REPORT_CONFIG SET STATUS = 'FAILED'",
    "SELECT * FROM REPORTING_DB.CONFIG.REPORT_CONFIG",
    "INSERT INTO REPORTING_DB.CONFIG.REPORT_CONFIG (REPORT_NAME, REPORT_SQL) VALUES ('x', 'y')",
    "CALL REPORTING_DB.CONFIG.CANCEL_REPORT('x')",
  ])("knows nothing of the queue: %s", async (sql) => {
    await using connection = await connect("REPORT_SERVICE_USER", "REPORT_READER_ROLE");
    const { vendorCode } = await failureOf(connection, sql);
    expect(["002003", "090105"]).toContain(vendorCode ?? "");
  });

  test("reads what the company gave it, changes none of it, and a report without it names the grant", async () => {
    const role = "REPORT_READER_ROLE";
    await using connection = await connect("REPORT_SERVICE_USER", role);
    const { rows } = await connection.execute("SELECT AMOUNT FROM MART.PUBLIC.SALES");
    expect(rows).toEqual([{ AMOUNT: "7" }]);
    expect(await failureOf(connection, "DELETE FROM MART.PUBLIC.SALES")).toMatchObject({
      vendorCode: "003001",
    });
    await service.connection.execute("CREATE TABLE MART.PUBLIC.SALARIES (A INT)");
    await using reader = await openReader(settings("REPORT_SERVICE_USER"), { role });
    const query = {
      sql: "SELECT * FROM MART.PUBLIC.SALARIES",
      binds: [],
      timeoutSeconds: 60,
      tag: {},
      timezone: "UTC",
    };
    const error = await errorOf(reader.query(query, new AbortController().signal));
    expect(error.message).toContain(`GRANT SELECT ON TABLE MART.PUBLIC.SALARIES TO ROLE ${role};`);
  });
});

describe("REPORT_USER_ROLE", () => {
  test("asks by procedure, cancels, and reads the status, with the rights of the procedures' owner", async () => {
    await using ann = await connect("ANN", "REPORT_USER_ROLE");
    const asked = await ann.execute(
      "CALL REQUEST_REPORT('asked', 'SELECT 1 AS ONE', 'CSV', 'ann@example.com')",
    );
    const configId = Object.values(asked.rows[0] ?? {})[0] ?? "";
    expect(await findReport(ann, configId)).toMatchObject({ name: "asked", status: "PENDING" });
    const cancelled = await ann.execute("CALL CANCEL_REPORT(?)", [configId]);
    expect(Object.values(cancelled.rows[0] ?? {})[0]).toContain("Cancelled");
  });

  test.each([
    ["SELECT REPORT_SQL, EMAIL_RECIPIENTS FROM REPORT_CONFIG", "003001"],
    ["UPDATE REPORT_CONFIG SET REPORT_SQL = 'SELECT 2'", "003001"],
    ["SELECT * FROM REPORT_RUN", "002003"],
    ["SELECT * FROM REPORT_DELIVERY", "002003"],
    ["CALL SEND_ECS_TRIGGER()", "002141"],
    ["EXECUTE TASK ECS_TRIGGER_TASK", "002003"],
  ])("may not %s", async (sql, vendorCode) => {
    await using ann = await connect("ANN", "REPORT_USER_ROLE");
    expect(await failureOf(ann, sql)).toMatchObject({ vendorCode });
  });
});

describe("REPORT_TASK_ROLE", () => {
  test("runs the trigger task to its procedure, and owns no more than that", async () => {
    const { rows } = await service.connection.execute("SHOW GRANTS TO ROLE REPORT_TASK_ROLE");
    const owned = rows.filter((row) => row["privilege"] === "OWNERSHIP");
    expect(
      owned.map((row) => row["granted_on"] ?? "").toSorted((a, b) => a.localeCompare(b)),
    ).toEqual([
      ...Array.from({ length: 6 }, () => "PROCEDURE"),
      ...Array.from({ length: 3 }, () => "TASK"),
    ]);
    const held = rows
      .filter((row) => row["name"] === "REPORTING_DB.CONFIG.REPORT_TRIGGER_LOG")
      .map((row) => row["privilege"]);
    expect(held).toEqual(["INSERT"]);
  });

  test("prunes heartbeats through its procedure, called by an administrator", async () => {
    await service.connection.execute(
      "INSERT INTO WORKER_HEARTBEAT (WORKER_ID, BOOT_ID, BEAT_AT) SELECT 'old', 'b', DATEADD(day, -30, SYSDATE())",
    );
    const { rows } = await service.connection.execute("CALL PRUNE_WORKER_HEARTBEAT()");
    expect(Object.values(rows[0] ?? {}).map(Number)).toEqual([1]);
  });

  test("without EXECUTE TASK its tasks cannot be resumed, even by an administrator", async () => {
    await service.connection.execute("ALTER TASK REPORT_PRUNE_TASK SUSPEND");
    await service.connection.execute("REVOKE EXECUTE TASK ON ACCOUNT FROM ROLE REPORT_TASK_ROLE");
    const failure = await failureOf(service.connection, "ALTER TASK REPORT_PRUNE_TASK RESUME");
    expect(failure.vendorCode).toBe("091089");
    expect(failure.message).toContain("GRANT EXECUTE TASK ON ACCOUNT TO ROLE <owner of the task>;");
    await service.connection.execute("GRANT EXECUTE TASK ON ACCOUNT TO ROLE REPORT_TASK_ROLE");
    await service.connection.execute("ALTER TASK REPORT_PRUNE_TASK RESUME");
  });
});

test("the scripts can be run again, and give back what was taken", async () => {
  for (const name of SCRIPTS) await runScript(name);
  const { rows } = await service.connection.execute("SHOW TASKS IN SCHEMA REPORTING_DB.CONFIG");
  expect(rows.map((row) => [row["state"], row["owner"]])).toEqual(
    rows.map(() => ["started", "REPORT_TASK_ROLE"]),
  );
  await using ann = await connect("ANN", "REPORT_USER_ROLE");
  const { rows: asked } = await ann.execute(
    "CALL REQUEST_REPORT('n', 'SELECT 1 AS A', 'CSV', NULL)",
  );
  expect(asked).toHaveLength(1);
});
