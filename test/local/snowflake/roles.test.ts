import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineSession, SessionContext } from "../../../src/local/snowflake/engine.ts";
import { openEngine } from "../../../src/local/snowflake/engine/duckdb-engine.ts";
import { cell, failure, query, readRows, statement, type TestEngine } from "./engine-sessions.ts";

let engine: TestEngine;
let admin: EngineSession;

beforeEach(async () => {
  engine = await openEngine();
  admin = await open({});
  await run(
    "CREATE DATABASE d",
    "CREATE TABLE t (a INT)",
    "INSERT INTO t VALUES (1)",
    "CREATE VIEW v AS SELECT a * 10 AS b FROM t",
    "CREATE ROLE r",
    "GRANT USAGE ON DATABASE d TO ROLE r",
    "GRANT USAGE ON SCHEMA d.public TO ROLE r",
  );
});

afterEach(async () => {
  await engine.close();
});

function open(context: Partial<SessionContext>): Promise<EngineSession> {
  return engine.openSession({ user: "ADA", database: "D", schema: "PUBLIC", ...context });
}

/** As the administrator. */
async function run(...statements: readonly string[]): Promise<void> {
  for (const sql of statements) await query(admin, sql);
}

async function codeOf(session: EngineSession, sql: string): Promise<string> {
  return (await failure(query(session, sql))).code;
}

/** Rows by column name, without the time. */
async function table(
  session: EngineSession,
  sql: string,
): Promise<Record<string, string | null>[]> {
  const result = await session.execute(statement(sql));
  const rows = await readRows(result);
  return rows.map((row) =>
    Object.fromEntries(
      row.flatMap((value, index) => {
        const name = result.columns[index]?.name ?? "";
        return name === "created_on" ? [] : [[name, value]];
      }),
    ),
  );
}

describe("a role", () => {
  test("does what it was granted, and sees nothing else", async () => {
    const session = await open({ role: "R" });
    const hidden = await failure(query(session, "SELECT * FROM t"));
    expect(hidden).toMatchObject({ code: "002003", sqlState: "42S02" });
    expect(hidden.message).toContain("Object 'D.PUBLIC.T' does not exist or not authorized.");
    await run("GRANT INSERT ON TABLE t TO ROLE r");
    const refused = await failure(query(session, "SELECT * FROM t"));
    expect(refused).toMatchObject({ code: "003001", sqlState: "42501" });
    expect(refused.message).toBe(
      "SQL access control error:\nInsufficient privileges to operate on table 'T'.",
    );
    await query(session, "INSERT INTO t VALUES (2)");
    expect(await codeOf(session, "INSERT OVERWRITE INTO t VALUES (2)")).toBe("003001");
    await run("REVOKE INSERT ON TABLE t FROM ROLE r");
    expect(await codeOf(session, "INSERT INTO t VALUES (3)")).toBe("002003");
  });

  test("needs USAGE of the schema and of the database", async () => {
    await run("GRANT SELECT ON TABLE t TO ROLE r", "REVOKE USAGE ON SCHEMA d.public FROM ROLE r");
    const session = await open({ role: "R" });
    expect(session.context).toMatchObject({ database: "D", schema: null });
    const schema = await failure(query(session, "SELECT * FROM d.public.t"));
    expect(schema.message).toContain("Schema 'D.PUBLIC' does not exist or not authorized.");
    await run("REVOKE USAGE ON DATABASE d FROM ROLE r");
    const database = await failure(query(session, "SELECT * FROM d.public.t"));
    expect(database.message).toContain("Database 'D' does not exist or not authorized.");
  });

  test("reads through a view with the rights of the view's owner", async () => {
    await run("GRANT SELECT ON VIEW v TO ROLE r");
    const session = await open({ role: "R" });
    expect(await query(session, "SELECT b FROM v")).toEqual([["10"]]);
    expect(await codeOf(session, "SELECT v.b FROM v JOIN t ON TRUE")).toBe("002003");
    await run("CREATE ROLE poor", "GRANT OWNERSHIP ON VIEW v TO ROLE poor COPY CURRENT GRANTS");
    expect(await codeOf(session, "SELECT b FROM v")).toBe("002003");
  });

  test("has the roles that were granted to it, and a secondary one when asked", async () => {
    await run("CREATE ROLE inner_role", "GRANT SELECT ON TABLE t TO ROLE inner_role");
    const session = await open({ role: "R" });
    expect(await codeOf(session, "SELECT a FROM t")).toBe("002003");
    await run("GRANT ROLE inner_role TO ROLE r");
    expect(await query(session, "SELECT a FROM t")).toEqual([["1"]]);
    expect((await failure(query(admin, "GRANT ROLE r TO ROLE inner_role"))).message).toContain("R");
    await run("REVOKE ROLE inner_role FROM ROLE r");
    await run("CREATE USER bob DEFAULT_SECONDARY_ROLES = ()");
    await run("GRANT ROLE r TO USER bob", "GRANT ROLE inner_role TO USER bob");
    const bob = await open({ user: "BOB", role: "R" });
    expect(await codeOf(bob, "SELECT a FROM t")).toBe("002003");
    await query(bob, "USE SECONDARY ROLES ALL");
    expect(await query(bob, "SELECT a FROM t")).toEqual([["1"]]);
    await query(bob, "USE SECONDARY ROLES NONE");
    expect(await codeOf(bob, "SELECT a FROM t")).toBe("002003");
  });

  test("creates what it may, and owns it", async () => {
    const session = await open({ role: "R" });
    expect(await codeOf(session, "CREATE TABLE mine (a INT)")).toBe("003001");
    await query(session, "CREATE TEMPORARY TABLE draft (a INT)");
    await run("GRANT CREATE TABLE ON SCHEMA d.public TO ROLE r");
    await query(session, "CREATE TABLE mine (a INT)");
    await query(session, "ALTER TABLE mine ADD COLUMN b INT");
    expect(await codeOf(session, "DROP TABLE t")).toBe("002003");
    expect(await codeOf(session, "CREATE TABLE IF NOT EXISTS t (a INT)")).toBe("003041");
    expect(await codeOf(session, "CREATE DATABASE e")).toBe("003001");
    expect(await codeOf(session, "CREATE ROLE e")).toBe("003001");
    expect((await table(session, "SHOW TABLES")).map(({ name }) => name)).toEqual([
      "DRAFT",
      "MINE",
    ]);
    await query(session, "DROP TABLE mine");
  });

  test("works with a warehouse that it may use", async () => {
    await run("GRANT SELECT ON TABLE t TO ROLE r");
    const session = await open({ role: "R", warehouse: "COMPUTE_WH" });
    expect(await cell(session, "SELECT CURRENT_ROLE()")).toBe("R");
    expect(await codeOf(session, "SELECT a FROM t")).toBe("000606");
    await run("GRANT USAGE ON WAREHOUSE compute_wh TO ROLE r");
    expect(await query(session, "SELECT a FROM t")).toEqual([["1"]]);
  });

  test("is shown the stages, routines and integrations that it has to do with, and no others", async () => {
    await run(
      "CREATE STAGE st",
      "CREATE PROCEDURE p() RETURNS VARCHAR LANGUAGE JAVASCRIPT AS 'return 1'",
      `CREATE API INTEGRATION gate API_PROVIDER = aws_api_gateway API_AWS_ROLE_ARN = 'arn:aws:iam::1:role/r'
       API_ALLOWED_PREFIXES = ('https://x.test/') ENABLED = TRUE`,
      "CREATE EXTERNAL FUNCTION f() RETURNS VARIANT API_INTEGRATION = gate AS 'https://x.test/f'",
    );
    const session = await open({ role: "R" });
    const shows = ["STAGES", "PROCEDURES", "FUNCTIONS", "INTEGRATIONS"];
    for (const kind of shows) expect(await table(session, `SHOW ${kind}`)).toEqual([]);
    await run(
      "GRANT READ ON STAGE st TO ROLE r",
      "GRANT USAGE ON PROCEDURE p() TO ROLE r",
      "GRANT USAGE ON FUNCTION f() TO ROLE r",
      "GRANT USAGE ON INTEGRATION gate TO ROLE r",
    );
    for (const kind of shows) expect(await table(session, `SHOW ${kind}`)).toHaveLength(1);
  });

  test("with MODIFY on a warehouse does not drop it", async () => {
    await run("CREATE WAREHOUSE w", "GRANT MODIFY ON WAREHOUSE w TO ROLE r");
    const session = await open({ role: "R" });
    expect(await codeOf(session, "DROP WAREHOUSE w")).toBe("003001");
    await run("DROP WAREHOUSE w");
  });

  test("that is dropped is gone from every grant", async () => {
    await run("GRANT SELECT ON TABLE t TO ROLE r", "DROP ROLE r", "CREATE ROLE r");
    expect(await table(admin, "SHOW GRANTS TO ROLE r")).toEqual([]);
    expect((await failure(open({ role: "NOBODY" }))).code).toBe("390189");
  });
});

describe("GRANT", () => {
  test("ALL PRIVILEGES is each of the kind, and what is on no list is refused", async () => {
    await run("GRANT ALL PRIVILEGES ON VIEW v TO ROLE r");
    const privileges = (await table(admin, "SHOW GRANTS TO ROLE r"))
      .filter(({ granted_on }) => granted_on === "VIEW")
      .map(({ privilege }) => privilege);
    expect(privileges).toEqual(["SELECT", "REFERENCES"]);
    expect(await codeOf(admin, "GRANT UPDATE ON VIEW v TO ROLE r")).toBe("002023");
    expect(await codeOf(admin, "GRANT SELECT ON TABLE nope TO ROLE r")).toBe("002003");
    expect(await codeOf(admin, "GRANT SELECT ON TABLE t TO ROLE nope")).toBe("002003");
  });

  test("on ALL and FUTURE reaches what is there and what comes, and nothing elsewhere", async () => {
    await run("GRANT SELECT ON ALL TABLES IN SCHEMA d.public TO ROLE r");
    await run("GRANT INSERT ON FUTURE TABLES IN DATABASE d TO ROLE r");
    await run(
      "CREATE TABLE later (a INT)",
      "CREATE DATABASE e",
      "CREATE TABLE e.public.far (a INT)",
    );
    const session = await open({ role: "R" });
    await query(session, "SELECT a FROM t");
    await query(session, "INSERT INTO later VALUES (1)");
    expect(await codeOf(session, "SELECT a FROM later")).toBe("003001");
    expect(await codeOf(session, "INSERT INTO e.public.far VALUES (1)")).toBe("002003");
    expect(await table(admin, "SHOW FUTURE GRANTS TO ROLE r")).toMatchObject([
      { privilege: "INSERT", grant_on: "TABLE", name: "D.<TABLE>", grantee_name: "R" },
    ]);
  });

  test("is for the owner, MANAGE GRANTS, and who has the grant option", async () => {
    await run("CREATE ROLE q", "GRANT SELECT ON TABLE t TO ROLE r");
    const session = await open({ role: "R" });
    expect(await codeOf(session, "GRANT SELECT ON TABLE t TO ROLE q")).toBe("003001");
    await run("GRANT SELECT ON TABLE t TO ROLE r WITH GRANT OPTION");
    await query(session, "GRANT SELECT ON TABLE t TO ROLE q");
    expect(await codeOf(session, "GRANT INSERT ON TABLE t TO ROLE q")).toBe("003001");
    await query(
      await open({ role: "SECURITYADMIN" }),
      "REVOKE SELECT ON TABLE d.public.t FROM ROLE q",
    );
    expect(await table(admin, "SHOW GRANTS TO ROLE q")).toEqual([]);
  });

  test("goes with what is replaced, unless that copies grants, and follows a new name", async () => {
    await run("GRANT SELECT ON VIEW v TO ROLE r", "GRANT SELECT ON TABLE t TO ROLE r");
    await Bun.sleep(2);
    await run("CREATE OR REPLACE VIEW v COPY GRANTS AS SELECT a AS b FROM t");
    const session = await open({ role: "R" });
    await query(session, "SELECT b FROM v");
    await Bun.sleep(2);
    await run("CREATE OR REPLACE VIEW v AS SELECT a AS b FROM t");
    expect(await codeOf(session, "SELECT b FROM v")).toBe("002003");
    await run("ALTER TABLE t RENAME TO u");
    await query(session, "SELECT a FROM u");
  });

  test("OWNERSHIP moves the object, and other grants stand in its way", async () => {
    await run("CREATE ROLE q", "GRANT SELECT ON TABLE t TO ROLE q");
    const dependent = await failure(query(admin, "GRANT OWNERSHIP ON TABLE t TO ROLE r"));
    expect(dependent).toMatchObject({ code: "003036", sqlState: "23001" });
    expect(dependent.message).toContain("'SELECT' on securable 'D.PUBLIC.T' to role 'Q' exists");
    await run("GRANT OWNERSHIP ON TABLE t TO ROLE r REVOKE CURRENT GRANTS");
    expect(await table(admin, "SHOW GRANTS ON TABLE t")).toEqual([
      {
        privilege: "OWNERSHIP",
        granted_on: "TABLE",
        name: "D.PUBLIC.T",
        granted_to: "ROLE",
        grantee_name: "R",
        grant_option: "true",
        granted_by: "R",
      },
    ]);
    await query(await open({ role: "R" }), "TRUNCATE TABLE t");
  });

  test("of a shared database is of all of it", async () => {
    const session = await open({ role: "R" });
    const history = "SELECT COUNT(*) FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY";
    expect(await codeOf(session, history)).toBe("002003");
    await run("GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE r");
    expect(Number(await cell(session, history))).toBeGreaterThan(0);
    expect(await codeOf(admin, "GRANT IMPORTED PRIVILEGES ON DATABASE d TO ROLE r")).toBe("002023");
    await run("GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE r");
  });
});

describe("a user", () => {
  const SERVICE =
    "TYPE = SERVICE DEFAULT_ROLE = r DEFAULT_SECONDARY_ROLES = () DEFAULT_WAREHOUSE = compute_wh DEFAULT_NAMESPACE = 'd.public'";

  test("logs in with its defaults, and only with roles of its own", async () => {
    await run(`CREATE USER IF NOT EXISTS bob ${SERVICE} COMMENT = 'c'`, "GRANT ROLE r TO USER bob");
    const session = await engine.openSession({ user: "BOB" });
    expect(session.context).toEqual({
      user: "BOB",
      role: "R",
      warehouse: "COMPUTE_WH",
      database: "D",
      schema: "PUBLIC",
    });
    expect(await codeOf(session, "USE ROLE accountadmin")).toBe("003013");
    const login = engine.openSession({ user: "BOB", role: "SYSADMIN" });
    expect((await failure(login)).code).toBe("390186");
    expect(await table(session, "SHOW GRANTS")).toEqual([
      { role: "R", granted_to: "USER", grantee_name: "BOB", granted_by: "ACCOUNTADMIN" },
    ]);
  });

  test("that is disabled is not let in", async () => {
    await run("CREATE USER bob DISABLED = TRUE");
    expect((await failure(engine.openSession({ user: "BOB" }))).code).toBe("390101");
    await run("ALTER USER bob SET DISABLED = FALSE");
    expect((await engine.openSession({ user: "BOB" })).context.role).toBe("PUBLIC");
  });

  test("is shown and described, with its identity and its key's fingerprint", async () => {
    await run(
      `CREATE USER bob ${SERVICE} WORKLOAD_IDENTITY = (TYPE = AWS ARN = 'arn:aws:iam::123456789012:role/worker')`,
      "ALTER USER bob SET RSA_PUBLIC_KEY = 'QUJD', COMMENT = 'changed'",
    );
    expect(await table(admin, "SHOW USERS LIKE 'B%'")).toMatchObject([
      {
        name: "BOB",
        type: "SERVICE",
        default_secondary_roles: "[]",
        comment: "changed",
        has_rsa_public_key: "true",
        has_workload_identity: "true",
        has_password: "false",
      },
    ]);
    const described = await table(admin, "DESCRIBE USER bob");
    const hash = new Bun.CryptoHasher("sha256").update("ABC").digest("base64");
    expect(described).toContainEqual(
      expect.objectContaining({ property: "RSA_PUBLIC_KEY_FP", value: `SHA256:${hash}` }),
    );
    await run("ALTER USER bob UNSET RSA_PUBLIC_KEY");
    expect(await table(admin, "SHOW USERS")).toMatchObject([{ has_rsa_public_key: "false" }]);
    await run("DROP USER bob", "DROP USER IF EXISTS bob");
    expect(await table(admin, "SHOW USERS")).toEqual([]);
  });

  test.each([
    ["CREATE USER x NOPE = 1", "002023"],
    ["CREATE USER x TYPE = ROBOT", "002023"],
    ["CREATE USER x DISABLED = SOMETIMES", "002023"],
    ["CREATE USER x MUST_CHANGE_PASSWORD = SOMETIMES", "002023"],
    ["CREATE USER x TYPE = SERVICE PASSWORD = 'p'", "002023"],
    ["CREATE USER x WORKLOAD_IDENTITY = (TYPE = AWS ARN = 'worker')", "002023"],
    ["CREATE USER x DEFAULT_SECONDARY_ROLES = ('SOME')", "002023"],
    ["ALTER USER x SET COMMENT = 'c'", "002003"],
    ["GRANT ROLE r TO USER x", "002003"],
  ])("is refused: %s", async (sql, code) => {
    expect(await codeOf(admin, sql)).toBe(code);
  });
});

test("the system roles are shown with those that are made", async () => {
  await run("GRANT ROLE r TO ROLE SYSADMIN");
  const roles = await table(admin, "SHOW ROLES");
  expect(roles.map(({ name }) => name)).toEqual([
    "ACCOUNTADMIN",
    "PUBLIC",
    "R",
    "SECURITYADMIN",
    "SYSADMIN",
    "USERADMIN",
  ]);
  expect(roles[2]).toMatchObject({ granted_to_roles: "1", owner: "ACCOUNTADMIN", is_current: "N" });
  expect(await table(admin, "SHOW GRANTS OF ROLE r")).toEqual([
    { role: "R", granted_to: "ROLE", grantee_name: "SYSADMIN", granted_by: "ACCOUNTADMIN" },
  ]);
  expect(await codeOf(admin, "CREATE ROLE sysadmin")).toBe("002002");
});

test("the data file keeps roles, grants, users and owners", async () => {
  const folder = await mkdtemp(join(tmpdir(), "roles-test-"));
  const file = join(folder, "data.duckdb");
  const first = await openEngine({ file });
  const writer = await first.openSession({ user: "ADA" });
  for (const sql of [
    "CREATE DATABASE p",
    "CREATE TABLE t (a INT)",
    "CREATE ROLE r",
    "GRANT USAGE ON DATABASE p TO ROLE r",
    "GRANT USAGE ON SCHEMA p.public TO ROLE r",
    "GRANT OWNERSHIP ON TABLE t TO ROLE r",
    "CREATE USER bob DEFAULT_ROLE = r",
    "GRANT ROLE r TO USER bob",
  ])
    await query(writer, sql);
  await first.close();
  const again = await openEngine({ file });
  const bob = await again.openSession({ user: "BOB", database: "P", schema: "PUBLIC" });
  await query(bob, "INSERT INTO t VALUES (1)");
  await query(bob, "DROP TABLE t");
  await again.close();
  await rm(folder, { recursive: true });
});
