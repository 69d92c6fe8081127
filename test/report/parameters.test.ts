import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  hideSecrets,
  readParameters,
  type Parameters,
  visibleValues,
  writeParameters,
} from "../../src/report/parameter-values.ts";
import { bindParameters, checkParameters } from "../../src/report/parameters.ts";
import { errorOf } from "../support/factories.ts";

function given(json: unknown): Parameters {
  const read = readParameters(json);
  if ("problems" in read) throw new Error(read.problems.join("; "));
  return read.parameters;
}

function problem(json: unknown): string {
  const read = readParameters(json);
  if (!("problems" in read)) throw new Error("it was taken");
  return read.problems.join("; ");
}

/** What `SELECT :v` becomes for a value of a type. */
function bound(type: string, value: unknown): [sql: string, bind: unknown] {
  const { sql, binds } = bindParameters("SELECT :v", given({ v: { type, value } }));
  return [sql.slice("SELECT ".length), binds[0]];
}

describe("bindParameters", () => {
  const all = { a: 1, b: "x", n: null, t: true };

  function bind(sql: string, ...names: (keyof typeof all)[]): { sql: string; binds: unknown[] } {
    const parameters = given(Object.fromEntries(names.map((name) => [name, all[name]])));
    checkParameters([{ name: "REPORT_SQL", sql }], parameters);
    return bindParameters(sql, parameters);
  }

  test("a name becomes a question mark, in the order of the text, as often as it occurs", () => {
    expect(bind("SELECT :b, :a WHERE x = :a", "a", "b")).toEqual({
      sql: "SELECT ?, ? WHERE x = ?",
      binds: ["x", 1, 1],
    });
  });

  test.each([
    ["SELECT x WHERE y = :a", "SELECT x WHERE y = ?"],
    ["SELECT f(:a)", "SELECT f(?)"],
    ["SELECT x LIMIT :a", "SELECT x LIMIT ?"],
    ["SELECT x OFFSET :a", "SELECT x OFFSET ?"],
    ["SELECT TOP :a x", "SELECT TOP ? x"],
    ["SELECT :a::int", "SELECT ?::int"],
    ["SELECT x::int, :a", "SELECT x::int, ?"],
    ["SELECT CASE WHEN :a THEN 1 END", "SELECT CASE WHEN ? THEN 1 END"],
    ["SELECT x IN (:a)", "SELECT x IN (?)"],
    ["SELECT x BETWEEN 1 AND :a", "SELECT x BETWEEN 1 AND ?"],
    ["SELECT x AND:a", "SELECT x AND?"],
    ["SELECT f(y => :a)", "SELECT f(y => ?)"],
    ["SELECT {'k': :a}", "SELECT {'k': ?}"],
    ["SELECT x || :a || y", "SELECT x || ? || y"],
    ["SELECT arr[:a]", "SELECT arr[?]"],
    ["SELECT src:p.q, :a", "SELECT src:p.q, ?"],
    ["SELECT src:limit, :a", "SELECT src:limit, ?"],
    ["SELECT /* :b */ :a -- :c", "SELECT /* :b */ ? -- :c"],
    ["SELECT x /* c */ = /* d */ :a", "SELECT x /* c */ = /* d */ ?"],
  ])("%s becomes %s", (sql, expected) => {
    expect(bind(sql, "a")).toEqual({ sql: expected, binds: [1] });
  });

  test.each([
    "SELECT ':a', ':1', $$:a$$, \":a\"",
    "SELECT x::int, y::varchar(10)",
    "SELECT src:a, src:a.b[0]:c::string, t.src:a",
    'SELECT "src":a, "src":"a"',
    "SELECT PARSE_JSON(x):a, arr[0]:a, $1:a",
    "SELECT src :a",
    "SELECT limit:a, t.order:a, src:where:a",
    "SELECT {'k': 1, 'a':a}",
    "SELECT 1 -- :a\n/* :b */",
    "SELECT a : b",
  ])("has no parameter: %s", (sql) => {
    expect(bind(sql)).toEqual({ sql, binds: [] });
  });

  test("null, booleans and text keep their type", () => {
    expect(bind("SELECT :n, :t, :b", "n", "t", "b").binds).toEqual([null, true, "x"]);
  });

  test("a missing name is an invalid report that names it", () => {
    const error = errorOf(() => bind("SELECT 1,\n :since"));
    expect(error.code).toBe("invalid_report");
    expect(error.message).toBe("PARAMETERS has no value for :since (REPORT_SQL, line 2)");
  });

  test("a name of Object's own is missing like any other", () => {
    expect(errorOf(() => bind("SELECT :constructor")).message).toContain(":constructor");
  });

  test("superfluous names are an invalid report that names them", () => {
    const error = errorOf(() => bind("SELECT ':a'", "a", "b"));
    expect(error.code).toBe("invalid_report");
    expect(error.message).toBe('PARAMETERS has "a", "b", which REPORT_SQL does not use');
  });

  test.each(["SELECT ?", "SELECT :1"])("%s has a parameter without a name", (sql) => {
    const error = errorOf(() => bind(sql));
    expect(error.code).toBe("invalid_report");
    expect(error.message).toContain("has no name");
  });

  test("no value can get into the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const bound = bindParameters("SELECT :v, ':v'", given({ v: value }));
        expect(bound).toEqual({ sql: "SELECT ?, ':v'", binds: [value] });
      }),
    );
  });
});

describe("checkParameters", () => {
  const statement = (sql: string, name = "REPORT_SQL") => ({ name, sql });

  test("built-in parameters need no value, and only those that are used are told", () => {
    expect(checkParameters([statement("SELECT :run_id, :scheduled_for, :run_id")], {})).toEqual([
      "run_id",
      "scheduled_for",
    ]);
    expect(checkParameters([statement("SELECT 1")], {})).toEqual([]);
  });

  test("a built-in one that is given and not used is no error", () => {
    expect(checkParameters([statement("SELECT 1")], given({ last_run_at: null }))).toEqual([]);
  });

  test("what one of several statements uses is not superfluous", () => {
    const both = [statement("SELECT :a"), statement("SELECT :b", "OPTIONS.readyWhen.sql")];
    expect(checkParameters(both, given({ a: 1, b: 2 }))).toEqual([]);
    expect(errorOf(() => checkParameters(both, given({ a: 1, b: 2, c: 3 }))).message).toBe(
      'PARAMETERS has "c", which REPORT_SQL and OPTIONS.readyWhen.sql do not use',
    );
  });
});

describe("a typed parameter", () => {
  test.each([
    ["TEXT", "x", "?", "x"],
    ["TEXT", null, "?::VARCHAR", null],
    ["NUMBER", 42, "?", 42],
    ["NUMBER", "-42", "?", -42],
    ["NUMBER", "12.50", "?::NUMBER(38, 2)", "12.50"],
    ["NUMBER", 12.5, "?::NUMBER(38, 1)", "12.5"],
    ["NUMBER", "9007199254740993", "?::NUMBER(38, 0)", "9007199254740993"],
    ["NUMBER", "1".repeat(38), "?::NUMBER(38, 0)", "1".repeat(38)],
    ["NUMBER", `0.${"1".repeat(37)}`, "?::NUMBER(38, 37)", `0.${"1".repeat(37)}`],
    ["BOOLEAN", true, "?", true],
    ["BOOLEAN", null, "?::BOOLEAN", null],
    ["DATE", "2024-02-29", "?::DATE", "2024-02-29"],
    ["DATE", null, "?::DATE", null],
    ["TIME", "14:05", "?::TIME", "14:05:00"],
    ["TIME", "14:05:09.123456789", "?::TIME", "14:05:09.123456789"],
    ["TIMESTAMP_NTZ", "2026-03-02T14:05:00", "?::TIMESTAMP_NTZ", "2026-03-02 14:05:00"],
    ["TIMESTAMP_NTZ", "2026-03-02 14:05:00.5", "?::TIMESTAMP_NTZ", "2026-03-02 14:05:00.5"],
    ["TIMESTAMP_LTZ", "2026-03-02T14:05", "?::TIMESTAMP_LTZ", "2026-03-02 14:05:00"],
    ["TIMESTAMP_LTZ", "2026-03-02T14:05:00Z", "?::TIMESTAMP_LTZ", "2026-03-02 14:05:00 +00:00"],
    ["TIMESTAMP_TZ", "2026-03-02T14:05:00-05:30", "?::TIMESTAMP_TZ", "2026-03-02 14:05:00 -05:30"],
  ])("%s %j is bound as %s", (type, value, sql, bind) => {
    expect(bound(type, value)).toEqual([sql, bind]);
  });

  test.each([
    ["TEXT", 1],
    ["NUMBER", "1e5"],
    ["NUMBER", ""],
    ["NUMBER", "."],
    ["NUMBER", "1."],
    ["NUMBER", `0.${"1".repeat(38)}`],
    ["NUMBER", "1,5"],
    ["NUMBER", 2 ** 53],
    ["NUMBER", 1e-7],
    ["NUMBER", "1".repeat(39)],
    ["NUMBER", true],
    ["BOOLEAN", "true"],
    ["DATE", "2026-02-30"],
    ["DATE", "02.03.2026"],
    ["DATE", "2026-03-02T00:00:00"],
    ["DATE", ""],
    ["TIME", "24:00:00"],
    ["TIME", "14"],
    ["TIME", "14:05:00.1234567890"],
    ["TIMESTAMP_NTZ", "2026-03-02"],
    ["TIMESTAMP_NTZ", "2026-03-02T14:05:00Z"],
    ["TIMESTAMP_TZ", "2026-03-02T14:05:00"],
    ["TIMESTAMP_TZ", "2026-03-02T14:05:00+15:00"],
    ["TIMESTAMP_LTZ", "2026-13-02T14:05:00"],
  ])("%s is not %j, and the message names the parameter", (type, value) => {
    const message = problem({ since: { type, value } });
    expect(message).toStartWith(`since is no ${type}: it must be`);
  });

  test.each([
    [{ day: { type: "DATUM", value: "2026-03-02" } }],
    [{ day: { value: "2026-03-02" } }],
    [{ day: { type: "DATE" } }],
    [{ day: { type: "DATE", value: "2026-03-02", hidden: true } }],
    [{ day: ["2026-03-02"] }],
  ])("%j is refused by its name", (json) => {
    expect(problem(json)).toContain("(see day)");
  });

  test("every number of up to 38 digits comes through exactly", () => {
    const digits = fc.stringMatching(/^[1-9]\d{0,18}$/);
    fc.assert(
      fc.property(digits, fc.stringMatching(/^\d{0,19}$/), (whole, fraction) => {
        const text = fraction === "" ? whole : `${whole}.${fraction}`;
        expect(String(bound("NUMBER", text)[1])).toBe(text);
      }),
    );
  });
});

describe("a secret parameter", () => {
  const parameters = given({
    key: { type: "TEXT", value: "s3cret", secret: true },
    pin: { type: "NUMBER", value: 1234, secret: true },
    day: { type: "DATE", value: "2026-03-02" },
    region: "EU",
  });

  test("is bound like any other", () => {
    expect(bindParameters("SELECT :key", parameters).binds).toEqual(["s3cret"]);
  });

  test("is neither shown nor audited", () => {
    expect(visibleValues(parameters)).toEqual({ day: "2026-03-02", region: "EU" });
    expect(writeParameters(parameters)).toEqual({
      day: { type: "DATE", value: "2026-03-02" },
      region: "EU",
    });
  });

  test("is not in the message when it is not of its type", () => {
    const message = problem({ key: { type: "NUMBER", value: "s3cret", secret: true } });
    expect(message).toStartWith("key is no NUMBER");
    expect(message).not.toContain("s3cret");
  });

  test("is taken out of what the warehouse says", () => {
    const said = "Numeric value 's3cret' is not recognized, nor is 1234; EU is";
    expect(hideSecrets(said, parameters)).toBe(
      "Numeric value '***' is not recognized, nor is ***; EU is",
    );
  });

  test("what the audit keeps is taken again as it is", () => {
    const audited = writeParameters(parameters);
    expect(given(JSON.parse(JSON.stringify(audited)))).toEqual(given(audited));
  });
});
