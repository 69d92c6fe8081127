import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  artifactFileName,
  artifactKey,
  artifactMediaType,
  countFiles,
  FORMATS,
  givenFileName,
  safeName,
  sumSizes,
} from "../../src/report/artifact.ts";
import { anArtifact } from "../support/factories.ts";

const DAY = new Date("2026-11-22T23:59:59Z");
const SAFE = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

describe("safeName", () => {
  test.each([
    ["Pricing Summary", "Pricing-Summary"],
    ["Übersicht für Zürich", "Ubersicht-fur-Zurich"],
    ["a/b\\c:d", "a-b-c-d"],
    ["../../etc/passwd", "etc-passwd"],
    [".hidden", "hidden"],
    ["name\r\nBcc: x@example.com", "name-Bcc-x-example.com"],
    ["a -- b", "a-b"],
    ["_under_score.v2", "_under_score.v2"],
    ["報告", "fallback"],
    ["...", "fallback"],
    ["", "fallback"],
  ])("%j becomes %j", (text, name) => {
    expect(safeName(text, "fallback")).toBe(name);
  });

  test("any text gives at most 100 safe characters and no leading dot", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        expect(safeName(text, "fallback")).toMatch(SAFE);
      }),
    );
  });

  test("a safe name stays as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const name = safeName(text, "fallback");
        expect(safeName(name, "fallback")).toBe(name.replace(/[-.]+$/, "") || "fallback");
      }),
    );
  });
});

describe("artifactFileName", () => {
  test.each([
    ["PDF", false, "pricing-summary-2026-11-22.pdf"],
    ["EXCEL", false, "pricing-summary-2026-11-22.xlsx"],
    ["CSV", false, "pricing-summary-2026-11-22.csv"],
    ["CSV", true, "pricing-summary-2026-11-22.csv.gz"],
  ] as const)("%s, gzip %p", (format, gzip, fileName) => {
    expect(artifactFileName("Pricing Summary", "id-1", format, DAY, gzip)).toBe(fileName);
  });

  test("a name without one safe character falls back to the report's identity", () => {
    expect(artifactFileName("報告", "id-1", "CSV", DAY)).toBe("id-1-2026-11-22.csv");
  });

  test("an identity that is no safe name itself cannot lead out of the folder", () => {
    expect(artifactFileName("報告", "../../x", "CSV", DAY)).toBe("x-2026-11-22.csv");
    expect(artifactFileName("報告", "報告", "CSV", DAY)).toBe("report-2026-11-22.csv");
  });

  test("whatever the name and the identity, it is safe, short, and keeps day and extension", () => {
    const texts = fc.string({ unit: "binary", maxLength: 300 });
    fc.assert(
      fc.property(
        texts,
        texts,
        fc.constantFrom(...FORMATS),
        fc.boolean(),
        (name, id, format, gzip) => {
          const fileName = artifactFileName(name, id, format, DAY, gzip);
          expect(fileName).toMatch(SAFE);
          expect(fileName).toMatch(/-2026-11-22\.(pdf|xlsx|csv|parquet)(\.gz)?$/);
        },
      ),
    );
  });
});

describe("artifactKey", () => {
  test("the fence and the run are in it, so that two claims never share a key", () => {
    expect(artifactKey("id-1", 7, "run-9", "a.csv")).toBe("id-1/f7-run-9/a.csv");
    expect(artifactKey("id-1", 8, "run-9", "a.csv")).not.toBe(
      artifactKey("id-1", 7, "run-9", "a.csv"),
    );
  });

  test("it has three parts whatever the identities are", () => {
    const texts = fc.string({ unit: "binary", maxLength: 100 });
    fc.assert(
      fc.property(texts, texts, fc.nat(), (configId, runId, fence) => {
        const parts = artifactKey(configId, fence, runId, "a.csv").split("/");
        expect(parts).toHaveLength(3);
        for (const part of parts) expect(part).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/);
      }),
    );
  });
});

test("a compressed file says so in its media type", () => {
  expect(artifactMediaType("CSV")).toBe("text/csv; charset=utf-8");
  expect(artifactMediaType("CSV", true)).toBe("application/gzip");
  expect(artifactMediaType("PDF")).toBe("application/pdf");
});

describe("the name that a recipient chose", () => {
  test.each([
    ["North", "North.csv"],
    ["north.csv", "north.csv"],
    ["Umsatz März/2026", "Umsatz-Marz-2026.csv"],
    ["../../etc/passwd", "etc-passwd.csv"],
    ["x".repeat(300), `${"x".repeat(96)}.csv`],
  ])("%s is %s", (name, fileName) => {
    expect(givenFileName(name, "CSV")).toBe(fileName);
  });

  test("ends as its format does", () => {
    expect(givenFileName("north.csv", "EXCEL")).toBe("north.csv.xlsx");
    expect(givenFileName("north.csv.gz", "CSV", true)).toBe("north.csv.gz");
  });
});

test("files that recipients share count once", () => {
  const shared = { uri: "memory://shared", sizeBytes: 5 };
  const artifacts = [
    anArtifact({ ...shared, recipientKey: "a" }),
    anArtifact({ ...shared, recipientKey: "b" }),
    anArtifact({ uri: "memory://own", sizeBytes: 7 }),
  ];
  expect([countFiles(artifacts), sumSizes(artifacts)]).toEqual([2, 12]);
});
