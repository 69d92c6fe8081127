import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { isSignificant, readTokens } from "../../src/report/sql-tokens.ts";

function significantTexts(sql: string): string[] {
  return readTokens(sql)
    .filter(isSignificant)
    .map((token) => token.text);
}

function kinds(sql: string): string[] {
  return readTokens(sql)
    .filter((token) => token.kind !== "space")
    .map((token) => token.kind);
}

describe("readTokens", () => {
  const fragments = fc.constantFrom(
    ..."' '' \" \"\" $$ $ -- // /* */ \\ \\' \n \r ; : :: ->> ( ) a_1 É 1.5e3 .5 ? @ 😀 \ud800 x'y".split(
      " ",
    ),
    " ",
  );
  const scripts = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.array(fragments, { maxLength: 40 }).map((parts) => parts.join("")),
  );

  test("the texts of the tokens, joined, are the input", () => {
    fc.assert(
      fc.property(scripts, (sql) => {
        const tokens = readTokens(sql);
        expect(tokens.map((token) => token.text).join("")).toBe(sql);
        expect(tokens.every((token) => token.text !== "")).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test("a token knows the line of its first character", () => {
    fc.assert(
      fc.property(scripts, (sql) => {
        let before = "";
        for (const token of readTokens(sql)) {
          expect(token.line).toBe(before.split("\n").length);
          before += token.text;
        }
      }),
      { numRuns: 500 },
    );
  });

  test("any text put in quotes, with its quotes and backslashes doubled, is one string", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const literal = `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
        expect(readTokens(literal)).toEqual([
          { kind: "string", text: literal, line: 1, closed: true },
        ]);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ["'it''s'", ["'it''s'"]],
    [String.raw`'it\'s'`, [String.raw`'it\'s'`]],
    [String.raw`'\\' x`, [String.raw`'\\'`, "x"]],
    ["'a' 'b'", ["'a'", "'b'"]],
    ['"a""b" c', ['"a""b"', "c"]],
    [String.raw`"a\" b`, [String.raw`"a\"`, "b"]],
    ["$$ it's; -- no $$ x", ["$$ it's; -- no $$", "x"]],
    ["$1:a", ["$1", ":", "a"]],
    ["$name", ["$name"]],
    ["a$$b", ["a$$b"]],
    ["a::int", ["a", "::", "int"]],
    ["a->>b", ["a", "->>", "b"]],
    ["a=>:b", ["a", "=>", ":", "b"]],
    ["a<>b!=c>=d", ["a", "<>", "b", "!=", "c", ">=", "d"]],
    ["1.5e-3+.5", ["1.5e-3", "+", ".5"]],
    ["t.a", ["t", ".", "a"]],
    ["a--b\nc", ["a", "c"]],
    ["a//b\nc", ["a", "c"]],
    ["a/*b*/c", ["a", "c"]],
    ["a/*/*b*/c*/", ["a", "c", "*", "/"]],
    ["a/b", ["a", "/", "b"]],
    ["x-1", ["x", "-", "1"]],
  ])("%s is %j", (sql, texts) => {
    expect(significantTexts(sql)).toEqual(texts);
  });

  test.each([
    ["'abc", "string"],
    ["'abc''", "string"],
    [String.raw`'abc\'`, "string"],
    ['"abc""', "quoted"],
    ["$$abc$", "string"],
    ["/* abc *", "comment"],
  ])("%s is not closed", (sql, kind) => {
    const tokens = readTokens(sql);
    expect(tokens).toHaveLength(1);
    expect(tokens[0]).toMatchObject({ kind, closed: false, text: sql });
  });

  test("a long literal costs linear time and no stack", () => {
    const long = `'${"ab''".repeat(200_000)}'`;
    expect(readTokens(long)).toHaveLength(1);
    expect(kinds(`'${"\\\\".repeat(200_000)}`)).toEqual(["string"]);
  });
});
