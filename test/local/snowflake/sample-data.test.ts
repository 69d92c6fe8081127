import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEngine } from "../../../src/local/snowflake/engine/duckdb-engine.ts";
import type { EngineResult, EngineSession } from "../../../src/local/snowflake/engine.ts";
import { newQueryId } from "../../../src/local/snowflake/wire/query-id.ts";
import { createSampleData } from "../../../src/local/snowflake/sample/sample-data.ts";

type TestEngine = Awaited<ReturnType<typeof openEngine>>;
type Rows = (string | null)[][];

const LINE_ITEMS = 60_000;
let engine: TestEngine;
let session: EngineSession;
let seconds: number;

beforeAll(async () => {
  engine = await openEngine({});
  const startedAt = performance.now();
  await createSampleData(engine, LINE_ITEMS);
  seconds = (performance.now() - startedAt) / 1000;
  session = await openSampleSession(engine);
});

afterAll(async () => {
  await session.close();
  await engine.close();
});

function openSampleSession(owner: TestEngine): Promise<EngineSession> {
  return owner.openSession({ user: "ADA", database: "SNOWFLAKE_SAMPLE_DATA", schema: "TPCH_SF1" });
}

function run(sql: string, on = session): Promise<EngineResult> {
  return on.execute({ queryId: newQueryId(), sql, binds: {}, parameters: {}, describeOnly: false });
}

async function query(sql: string, on = session): Promise<Rows> {
  const rows: Rows = [];
  for await (const batch of (await run(sql, on)).batches)
    rows.push(...batch.map((row) => [...row]));
  return rows;
}

async function cell(sql: string, on = session): Promise<string | null> {
  return (await query(sql, on))[0]?.[0] ?? null;
}

/** A date as it is on the wire. */
function daysTo(date: string): string {
  return String(Date.parse(date) / 86_400_000);
}

/** How many rows break a rule. */
async function count(sql: string): Promise<number> {
  return Number(await cell(`SELECT COUNT(*) FROM ${sql}`));
}

describe("tables", () => {
  test("have the sizes of TPC-H at scale 0.01, within 3 seconds", async () => {
    const sizes: Record<string, number> = {
      REGION: 5,
      NATION: 25,
      PART: 2000,
      SUPPLIER: 100,
      PARTSUPP: 8000,
      CUSTOMER: 1500,
      ORDERS: 15_000,
      LINEITEM: LINE_ITEMS,
    };
    for (const [table, size] of Object.entries(sizes))
      expect([table, await count(table)]).toEqual([table, size]);
    expect(seconds).toBeLessThan(3);
  });

  test("have the names, types, lengths and comments of every Snowflake account", async () => {
    const described = async (table: string) => {
      const columns = await query(`DESCRIBE TABLE ${table}`);
      return columns.map(
        ([name, type, , nullable]) => `${name} ${type}${nullable === "Y" ? "" : " NOT NULL"}`,
      );
    };
    expect(await described("CUSTOMER")).toEqual([
      "C_CUSTKEY NUMBER(38,0) NOT NULL",
      "C_NAME VARCHAR(25) NOT NULL",
      "C_ADDRESS VARCHAR(40) NOT NULL",
      "C_NATIONKEY NUMBER(38,0) NOT NULL",
      "C_PHONE VARCHAR(15) NOT NULL",
      "C_ACCTBAL NUMBER(12,2) NOT NULL",
      "C_MKTSEGMENT VARCHAR(10)",
      "C_COMMENT VARCHAR(117)",
    ]);
    expect(await described("LINEITEM")).toEqual([
      "L_ORDERKEY NUMBER(38,0) NOT NULL",
      "L_PARTKEY NUMBER(38,0) NOT NULL",
      "L_SUPPKEY NUMBER(38,0) NOT NULL",
      "L_LINENUMBER NUMBER(38,0) NOT NULL",
      "L_QUANTITY NUMBER(12,2) NOT NULL",
      "L_EXTENDEDPRICE NUMBER(12,2) NOT NULL",
      "L_DISCOUNT NUMBER(12,2) NOT NULL",
      "L_TAX NUMBER(12,2) NOT NULL",
      "L_RETURNFLAG VARCHAR(1) NOT NULL",
      "L_LINESTATUS VARCHAR(1) NOT NULL",
      "L_SHIPDATE DATE NOT NULL",
      "L_COMMITDATE DATE NOT NULL",
      "L_RECEIPTDATE DATE NOT NULL",
      "L_SHIPINSTRUCT VARCHAR(25) NOT NULL",
      "L_SHIPMODE VARCHAR(10) NOT NULL",
      "L_COMMENT VARCHAR(44) NOT NULL",
    ]);
    const comments =
      "SELECT DISTINCT COMMENT FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'PARTSUPP'";
    expect(await cell(comments)).toBe("Partsupp data as defined by TPC-H");
  });

  test("no text is longer than its column, none is empty", async () => {
    for (const [column, table, length] of [
      ["P_NAME", "PART", 55],
      ["P_TYPE", "PART", 25],
      ["P_CONTAINER", "PART", 10],
      ["P_COMMENT", "PART", 23],
      ["S_ADDRESS", "SUPPLIER", 40],
      ["S_COMMENT", "SUPPLIER", 101],
      ["PS_COMMENT", "PARTSUPP", 199],
      ["C_ADDRESS", "CUSTOMER", 40],
      ["C_COMMENT", "CUSTOMER", 117],
      ["O_COMMENT", "ORDERS", 79],
      ["L_COMMENT", "LINEITEM", 44],
      ["N_COMMENT", "NATION", 152],
      ["R_COMMENT", "REGION", 152],
    ] as const) {
      expect([
        column,
        await count(`${table} WHERE LENGTH(${column}) NOT BETWEEN 4 AND ${length}`),
      ]).toEqual([column, 0]);
    }
  });
});

describe("integrity", () => {
  test("keys are unique", async () => {
    for (const [table, key] of [
      ["PART", "P_PARTKEY"],
      ["SUPPLIER", "S_SUPPKEY"],
      ["CUSTOMER", "C_CUSTKEY"],
      ["ORDERS", "O_ORDERKEY"],
      ["PARTSUPP", "PS_PARTKEY, PS_SUPPKEY"],
      ["LINEITEM", "L_ORDERKEY, L_LINENUMBER"],
    ] as const) {
      expect([
        table,
        await count(`(SELECT ${key} FROM ${table} GROUP BY ${key} HAVING COUNT(*) > 1)`),
      ]).toEqual([table, 0]);
    }
  });

  test("every reference leads to a row", async () => {
    for (const [table, column, target, key] of [
      ["NATION", "N_REGIONKEY", "REGION", "R_REGIONKEY"],
      ["SUPPLIER", "S_NATIONKEY", "NATION", "N_NATIONKEY"],
      ["CUSTOMER", "C_NATIONKEY", "NATION", "N_NATIONKEY"],
      ["PARTSUPP", "PS_PARTKEY", "PART", "P_PARTKEY"],
      ["PARTSUPP", "PS_SUPPKEY", "SUPPLIER", "S_SUPPKEY"],
      ["ORDERS", "O_CUSTKEY", "CUSTOMER", "C_CUSTKEY"],
      ["LINEITEM", "L_ORDERKEY", "ORDERS", "O_ORDERKEY"],
    ] as const) {
      const lost = `${table} LEFT JOIN ${target} ON ${column} = ${key} WHERE ${key} IS NULL`;
      expect([column, await count(lost)]).toEqual([column, 0]);
    }
    const unsupplied = `LINEITEM LEFT JOIN PARTSUPP ON L_PARTKEY = PS_PARTKEY AND L_SUPPKEY = PS_SUPPKEY
      WHERE PS_PARTKEY IS NULL`;
    expect(await count(unsupplied)).toBe(0);
  });

  test("each order has 1 to 7 lines, numbered from 1", async () => {
    const lines = `SELECT L_ORDERKEY, COUNT(*) AS N, MIN(L_LINENUMBER) AS LOW, MAX(L_LINENUMBER) AS HIGH
      FROM LINEITEM GROUP BY L_ORDERKEY`;
    expect(await query(`SELECT MIN(N), MAX(N), COUNT(*) FROM (${lines})`)).toEqual([
      ["1", "7", "15000"],
    ]);
    expect(await count(`(${lines}) WHERE LOW <> 1 OR HIGH <> N`)).toBe(0);
  });

  test("a third of the customers order nothing", async () => {
    const buyers = await count("(SELECT DISTINCT O_CUSTKEY FROM ORDERS)");
    expect(buyers).toBeGreaterThan(980);
    expect(buyers).toBeLessThanOrEqual(1000);
    expect(await count("ORDERS WHERE MOD(O_CUSTKEY, 3) = 0")).toBe(0);
  });
});

describe("values", () => {
  test("days, flags and states follow from the order's day and 1995-06-17", async () => {
    expect(await query("SELECT MIN(O_ORDERDATE), MAX(O_ORDERDATE) FROM ORDERS")).toEqual([
      [daysTo("1992-01-01"), daysTo("1998-08-02")],
    ]);
    const broken = `LINEITEM JOIN ORDERS ON L_ORDERKEY = O_ORDERKEY WHERE
      L_SHIPDATE - O_ORDERDATE NOT BETWEEN 1 AND 121 OR L_COMMITDATE - O_ORDERDATE NOT BETWEEN 30 AND 90
      OR L_RECEIPTDATE - L_SHIPDATE NOT BETWEEN 1 AND 30
      OR (L_RETURNFLAG = 'N') <> (L_RECEIPTDATE > '1995-06-17'::DATE)
      OR (L_LINESTATUS = 'O') <> (L_SHIPDATE > '1995-06-17'::DATE)`;
    expect(await count(broken)).toBe(0);
    const states = `SELECT O_ORDERKEY, O_ORDERSTATUS, MIN(L_LINESTATUS) AS LOW, MAX(L_LINESTATUS) AS HIGH
      FROM ORDERS JOIN LINEITEM ON L_ORDERKEY = O_ORDERKEY GROUP BY 1, 2`;
    const wrong = `(${states}) WHERE O_ORDERSTATUS <> CASE WHEN LOW <> HIGH THEN 'P' ELSE LOW END`;
    expect(await count(wrong)).toBe(0);
  });

  test("an order's price is the sum of its lines, a line's the part's price by quantity", async () => {
    const totals = `SELECT O_TOTALPRICE - ROUND(SUM(L_EXTENDEDPRICE * (1 + L_TAX) * (1 - L_DISCOUNT)), 2) AS OFF
      FROM ORDERS JOIN LINEITEM ON L_ORDERKEY = O_ORDERKEY GROUP BY O_ORDERKEY, O_TOTALPRICE`;
    expect(await count(`(${totals}) WHERE OFF <> 0`)).toBe(0);
    const lines = `LINEITEM JOIN PART ON L_PARTKEY = P_PARTKEY WHERE
      L_EXTENDEDPRICE <> L_QUANTITY * P_RETAILPRICE OR L_QUANTITY NOT BETWEEN 1 AND 50
      OR L_DISCOUNT NOT BETWEEN 0 AND 0.10 OR L_TAX NOT BETWEEN 0 AND 0.08`;
    expect(await count(lines)).toBe(0);
    const prices = `PART WHERE P_RETAILPRICE * 100 <>
      90000 + MOD(FLOOR(P_PARTKEY / 10), 20001) + 100 * MOD(P_PARTKEY, 1000)`;
    expect(await count(prices)).toBe(0);
  });

  test("a phone number starts with the nation's code", async () => {
    expect(await count("CUSTOMER WHERE LEFT(C_PHONE, 2) <> (C_NATIONKEY + 10)::VARCHAR")).toBe(0);
    expect(await cell("SELECT C_PHONE FROM CUSTOMER WHERE C_CUSTKEY = 1")).toMatch(
      /^\d\d-\d{3}-\d{3}-\d{4}$/,
    );
  });

  test("nations and regions are the specification's", async () => {
    const sql = `SELECT R_NAME, COUNT(*), MIN(N_NAME), MAX(N_NAME) FROM NATION JOIN REGION ON N_REGIONKEY = R_REGIONKEY
      GROUP BY R_NAME ORDER BY R_NAME`;
    expect(await query(sql)).toEqual([
      ["AFRICA", "5", "ALGERIA", "MOZAMBIQUE"],
      ["AMERICA", "5", "ARGENTINA", "UNITED STATES"],
      ["ASIA", "5", "CHINA", "VIETNAM"],
      ["EUROPE", "5", "FRANCE", "UNITED KINGDOM"],
      ["MIDDLE EAST", "5", "EGYPT", "SAUDI ARABIA"],
    ]);
  });

  test("are the same every time", async () => {
    const sums = await query(
      `SELECT SUM(L_EXTENDEDPRICE), SUM(L_PARTKEY), SUM(LENGTH(L_COMMENT)) FROM LINEITEM`,
    );
    expect(sums).toEqual([["2137911466.48", "59955190", "1581045"]]);
  });
});

describe("queries of the specification", () => {
  test("Q1 has its four groups", async () => {
    const rows =
      await query(`SELECT L_RETURNFLAG, L_LINESTATUS, SUM(L_QUANTITY), COUNT(*) FROM LINEITEM
      WHERE L_SHIPDATE <= DATEADD(DAY, -90, '1998-12-01'::DATE) GROUP BY 1, 2 ORDER BY 1, 2`);
    expect(rows.map(([flag, status]) => `${flag}${status}`)).toEqual(["AF", "NF", "NO", "RF"]);
  });

  test("Q5 has the five nations of Asia", async () => {
    const rows = await query(`SELECT N_NAME, SUM(L_EXTENDEDPRICE * (1 - L_DISCOUNT)) AS REVENUE
      FROM CUSTOMER, ORDERS, LINEITEM, SUPPLIER, NATION, REGION
      WHERE C_CUSTKEY = O_CUSTKEY AND L_ORDERKEY = O_ORDERKEY AND L_SUPPKEY = S_SUPPKEY
        AND C_NATIONKEY = S_NATIONKEY AND S_NATIONKEY = N_NATIONKEY AND N_REGIONKEY = R_REGIONKEY
        AND R_NAME = 'ASIA' AND O_ORDERDATE >= '1994-01-01'::DATE
        AND O_ORDERDATE < DATEADD(YEAR, 1, '1994-01-01'::DATE)
      GROUP BY N_NAME ORDER BY REVENUE DESC`);
    expect(new Set(rows.map(([name]) => name))).toEqual(
      new Set(["CHINA", "INDIA", "INDONESIA", "JAPAN", "VIETNAM"]),
    );
  });

  test("Q10 finds customers who returned items", async () => {
    const rows =
      await query(`SELECT C_CUSTKEY, C_NAME, SUM(L_EXTENDEDPRICE * (1 - L_DISCOUNT)) AS REVENUE, N_NAME
      FROM CUSTOMER, ORDERS, LINEITEM, NATION
      WHERE C_CUSTKEY = O_CUSTKEY AND L_ORDERKEY = O_ORDERKEY AND O_ORDERDATE >= '1993-10-01'::DATE
        AND O_ORDERDATE < DATEADD(MONTH, 3, '1993-10-01'::DATE) AND L_RETURNFLAG = 'R' AND C_NATIONKEY = N_NATIONKEY
      GROUP BY C_CUSTKEY, C_NAME, N_NAME ORDER BY REVENUE DESC LIMIT 20`);
    expect(rows).toHaveLength(20);
  });
});

describe("scale and files", () => {
  test("any number of line items is met exactly", async () => {
    await using other = {
      engine: await openEngine({}),
      [Symbol.asyncDispose]: () => other.engine.close(),
    };
    for (const lineItems of [1, 2, 7, 30, 1234]) {
      await createSampleData(other.engine, lineItems);
      const own = await openSampleSession(other.engine);
      expect(await cell("SELECT COUNT(*) FROM LINEITEM", own)).toBe(String(lineItems));
      const lines = "SELECT COUNT(*) AS N FROM LINEITEM GROUP BY L_ORDERKEY";
      expect(Number(await cell(`SELECT MAX(N) FROM (${lines})`, own))).toBeLessThanOrEqual(7);
      const pairs =
        "SELECT PS_PARTKEY FROM PARTSUPP GROUP BY PS_PARTKEY HAVING COUNT(DISTINCT PS_SUPPKEY) <> 4";
      expect(await cell(`SELECT COUNT(*) FROM (${pairs})`, own)).toBe("0");
      await own.close();
    }
  });

  test("a number of line items that is none is refused", async () => {
    for (const lineItems of [0, -1, 1.5, Number.NaN]) {
      const refused = await createSampleData(engine, lineItems).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "configuration" });
    }
  });

  test("a file that holds the data is left alone, one at another scale is filled anew", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sample-data-"));
    const file = join(folder, "local.duckdb");
    const fill = async (lineItems: number, sql: string) => {
      const own = await openEngine({ file });
      await createSampleData(own, lineItems);
      const ownSession = await openSampleSession(own);
      const found = await query(sql, ownSession);
      await ownSession.close();
      await own.close();
      return found;
    };
    try {
      await fill(100, "UPDATE REGION SET R_COMMENT = 'touched'");
      expect(await fill(100, "SELECT DISTINCT R_COMMENT FROM REGION")).toEqual([["touched"]]);
      expect(await fill(200, "SELECT COUNT(DISTINCT R_COMMENT) FROM REGION")).toEqual([["5"]]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
