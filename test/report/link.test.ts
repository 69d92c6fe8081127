import { describe, expect, test } from "bun:test";
import { assert, nat, property, string } from "fast-check";
import { linkIdOf, readLink, signLink } from "../../src/report/link.ts";

const claim = {
  linkId: linkIdOf("a/f1-b/c.pdf"),
  key: "a/f1-b/c.pdf",
  fileName: "c.pdf",
  expiresAt: 1_800_000_000,
};

describe("a link's token", () => {
  test("gives back what was signed, whatever it holds", () => {
    assert(
      property(
        string({ unit: "grapheme" }),
        string({ unit: "grapheme" }),
        nat(),
        (key, fileName, expiresAt) => {
          const signed = { linkId: linkIdOf(key), key, fileName, expiresAt };
          const token = signLink(signed, "secret");
          expect(token).toMatch(/^[A-Za-z0-9_.-]+$/);
          expect(readLink(token, "secret")).toEqual(signed);
        },
      ),
    );
  });

  test("is worth nothing with another secret, or with one character changed", () => {
    const token = signLink(claim, "secret");
    expect(readLink(token, "other")).toBeNull();
    for (let at = 0; at < token.length; at += 1) {
      const changed = `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
      expect(readLink(changed, "secret")).toBeNull();
    }
  });

  test.each(["", ".", "a.b", "a.b.c", "..", "%00"])("%j is no token", (text) => {
    expect(readLink(text, "secret")).toBeNull();
  });

  test("the same file has the same link", () => {
    expect(linkIdOf("a")).toBe(linkIdOf("a"));
    expect(linkIdOf("a")).not.toBe(linkIdOf("b"));
  });
});
