import { describe, expect, test } from "bun:test";
import {
  layOutPreviewHtml,
  layOutPreviewText,
  parsePreview,
  type Preview,
} from "../../src/report/preview.ts";

function aPreview(changes: Partial<Preview> = {}): Preview {
  return {
    columns: [
      { label: "NAME", alignment: "left" },
      { label: "AMOUNT", alignment: "right" },
    ],
    rows: [["Ann", "1.00"]],
    columnsLeftOut: 0,
    chart: null,
    ...changes,
  };
}

describe("a mail's preview", () => {
  test("keeps each row on one line: long cells are shortened and none wraps", () => {
    const rows = [["word ".repeat(40), "12,345.67"]];
    const html = layOutPreviewHtml(aPreview({ rows }), 1, "chart");
    const cells = [...html.matchAll(/<t[hd] style="([^"]*)">([^<]*)</g)];
    expect(cells).toHaveLength(4);
    for (const [, style = "", text = ""] of cells) {
      expect(style).toContain("white-space:nowrap");
      expect(text.length).toBeLessThanOrEqual(32);
    }
    expect(html).toContain("…</td>");
    for (const line of layOutPreviewText(aPreview({ rows }), 1)) {
      expect(line.length).toBeLessThanOrEqual(40);
    }
  });

  test("says what it leaves out", () => {
    const rest = "The first 1 of 375 rows. 2 more columns in the files.";
    expect(layOutPreviewHtml(aPreview({ columnsLeftOut: 2 }), 375, "chart")).toContain(rest);
    expect(
      layOutPreviewText(aPreview({ columnsLeftOut: 2 }), 375)
        .slice(-2)
        .join(" "),
    ).toBe(rest);
  });

  test("shows a cell that looks like markup as it is", () => {
    const html = layOutPreviewHtml(aPreview({ rows: [["<b>&", "1"]] }), 1, "chart");
    expect(html).toContain("&lt;b&gt;&amp;</td>");
  });

  test.each(["", "{", "{}", '{"columns":[]}'])("is none when it is written as %j", (json) => {
    expect(parsePreview(json)).toBeNull();
  });
});
