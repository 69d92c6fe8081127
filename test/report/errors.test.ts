import { describe, expect, test } from "bun:test";
import { asReportError, isRetryable, messageOf, ReportError } from "../../src/report/errors.ts";

describe("ReportError", () => {
  test.each([
    ["query_timeout", true],
    ["rows_missing", true],
    ["store_failed", true],
    ["delivery_failed", true],
    ["warehouse_unavailable", true],
    ["internal", true],
    ["invalid_report", false],
    ["statement_refused", false],
    ["query_failed", false],
    ["too_many_rows", false],
    ["render_failed", false],
    ["recipient_refused", false],
    ["login_refused", true],
    ["lease_lost", false],
    ["cancelled", false],
    ["interrupted", false],
    ["crashed", false],
    ["configuration", false],
  ] as const)("%s can be tried again: %p", (code, retryable) => {
    expect(isRetryable(code)).toBe(retryable);
    expect(new ReportError(code, "why").retryable).toBe(retryable);
  });

  test("one that is known to pass, or not to, says so whatever its code", () => {
    expect(new ReportError("query_failed", "lock", { retryable: true }).retryable).toBe(true);
    expect(new ReportError("delivery_failed", "no", { retryable: false }).retryable).toBe(false);
  });

  test("it keeps its cause and what the warehouse said", () => {
    const cause = new Error("below");
    const error = new ReportError("query_failed", "above", {
      cause,
      warehouse: { sqlState: "42S02" },
    });
    expect(error.cause).toBe(cause);
    expect(error.warehouse).toEqual({ sqlState: "42S02" });
    expect("cause" in new ReportError("internal", "alone")).toBe(false);
  });
});

describe("asReportError", () => {
  test("a ReportError stays itself", () => {
    const error = new ReportError("query_failed", "no");
    expect(asReportError(error, "internal")).toBe(error);
  });

  test("anything else is a defect that keeps its message and its cause", () => {
    const thrown = new TypeError("x is undefined");
    const error = asReportError(thrown);
    expect(error).toMatchObject({ code: "internal", message: "x is undefined", retryable: true });
    expect(error.cause).toBe(thrown);
    expect(asReportError("text", "store_failed")).toMatchObject({
      code: "store_failed",
      message: "text",
    });
  });
});

test("anything thrown has a sentence", () => {
  expect(messageOf(new Error("a"))).toBe("a");
  expect(messageOf("b")).toBe("b");
  expect(messageOf(undefined)).toBe("undefined");
});
