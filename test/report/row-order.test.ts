import { describe, expect, test } from "bun:test";
import { readRowOrder } from "../../src/report/row-order.ts";

const NAMES = ["ID", "AMOUNT", "Mixed Case"];

const READ: [string, string[][]][] = [
  ["SELECT * FROM T", []],
  ["SELECT * FROM T ORDER BY id", [["ID", ""]]],
  [
    "select * from t order by 2 desc, ID asc nulls last limit 10",
    [
      ["AMOUNT", "DESC"],
      ["ID", "ASC NULLS LAST"],
    ],
  ],
  ['SELECT * FROM T ORDER BY "Mixed Case" NULLS FIRST -- so', [["Mixed Case", "NULLS FIRST"]]],
  ["SELECT ROW_NUMBER() OVER (ORDER BY X) AS ID FROM T", []],
  ["SELECT * FROM (SELECT * FROM T ORDER BY X) ORDER BY ID", [["ID", ""]]],
  ["SELECT 1 UNION ALL SELECT 2 ORDER BY 1;", [["ID", ""]]],
];

describe("the order of a query's rows", () => {
  test.each(READ)("is read from %s", (sql, terms) => {
    const read = readRowOrder(sql, NAMES)?.map(({ name, direction }) => [name, direction]);
    expect(read).toEqual(terms);
  });

  test.each([
    "SELECT * FROM T ORDER BY MOD(ID, 7)",
    "SELECT * FROM T ORDER BY T.ID",
    "SELECT * FROM T ORDER BY ID + 1",
    "SELECT * FROM T ORDER BY OTHER",
    "SELECT * FROM T ORDER BY 4",
    'SELECT * FROM T ORDER BY "id"',
    "SELECT * FROM T ORDER BY ALL",
    "(SELECT * FROM T ORDER BY ID)",
  ])("cannot be asked for again after %s", (sql) => {
    expect(readRowOrder(sql, NAMES)).toBeNull();
  });
});
