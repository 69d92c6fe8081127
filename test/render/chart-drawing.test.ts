import { describe, expect, test } from "bun:test";
import { choosePalette } from "../../src/render/chart/palette.ts";
import { createPdfContext } from "../../src/render/chart/pdf-context.ts";

const ACCENTS = ["#1f4e79", "#d55e00", "#000000", "#ffee00", "#117733"];

function channels(color: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}

describe("the colours of the series", () => {
  test.each(ACCENTS)("begin with the accent %s and are all different", (accent) => {
    const colors = choosePalette(accent, 13);
    expect(new Set(colors).size).toBe(13);
    expect(colors.every((color) => /^#[0-9a-f]{6}$/.test(color))).toBe(true);
    if (accent !== "#ffee00") expect(colors[0]).toBe(accent);
  });

  test("are dark enough for white paper, the accent too", () => {
    for (const color of choosePalette("#ffee00", 13)) {
      const [red = 255, green = 255, blue = 255] = channels(color);
      expect(0.2126 * red + 0.7152 * green + 0.0722 * blue).toBeLessThan(185);
    }
  });

  test("differ most where there are few: the second is far from the first", () => {
    for (const accent of ACCENTS) {
      const [first = "", second = ""] = choosePalette(accent, 2).map((color) => color);
      const [a, b] = [channels(first), channels(second)];
      expect(Math.hypot(...a.map((value, at) => value - (b[at] ?? 0)))).toBeGreaterThan(100);
    }
  });
});

const SILENT = { measure: (text: string) => text.length * 10, show: () => "" };

function draw(paint: (context: ReturnType<typeof createPdfContext>) => void): string[] {
  const context = createPdfContext({ width: 200, height: 100 }, SILENT);
  paint(context);
  return context.finish().split("\n");
}

describe("a canvas that writes operators", () => {
  test("has its origin at the top, and the PDF at the bottom", () => {
    const lines = draw((context) => {
      context.fillStyle = "#ff0000";
      context.fillRect(10, 20, 30, 40);
    });
    const path = ["10 80 m", "40 80 l", "40 40 l", "10 40 l", "h"];
    expect(lines).toEqual(["q", "0 0 200 100 re W n", "1 0 0 rg", ...path, "f", "Q", ""]);
  });

  test("mixes what is translucent with white", () => {
    const lines = draw((context) => {
      context.fillStyle = "#000000";
      context.globalAlpha = 0.25;
      context.fillRect(0, 0, 1, 1);
    });
    expect(lines).toContain("0.75 0.75 0.75 rg");
  });

  test("brings back style and transformation, and closes what was left open", () => {
    const lines = draw((context) => {
      context.save();
      context.strokeStyle = "#00ff00";
      context.translate(50, 0);
      context.restore();
      context.save();
      context.moveTo(1, 1);
      context.lineTo(2, 1);
      context.stroke();
    });
    expect(lines.filter((line) => line === "q")).toHaveLength(3);
    expect(lines.filter((line) => line === "Q")).toHaveLength(3);
    expect(lines).toContain("0 0 0 RG 1 w 0 J 0 j 10 M [] 0 d");
    expect(lines).toContain("1 99 m");
  });

  test("draws a full circle as four curves that end where they began", () => {
    const lines = draw((context) => {
      context.beginPath();
      context.arc(50, 50, 10, 0, 2 * Math.PI);
      context.fill();
    });
    const curves = lines.filter((line) => line.endsWith(" c"));
    expect(curves).toHaveLength(4);
    expect(lines).toContain("60 50 m");
    expect(curves.at(-1)).toEndWith("60 50 c");
    expect(curves[0]).toBe("60 44.48 55.52 40 50 40 c");
  });

  test("draws a quarter against the clock when told so", () => {
    const path = draw((context) => {
      context.beginPath();
      context.arc(50, 50, 10, 0, -Math.PI / 2, true);
      context.stroke();
    });
    expect(path.filter((line) => line.endsWith(" c"))).toEqual(["60 55.52 55.52 60 50 60 c"]);
  });

  test("gives texts their place by the anchor, along the turned line", () => {
    const shown: unknown[] = [];
    const context = createPdfContext(
      { width: 200, height: 100 },
      { ...SILENT, show: (...call) => `${void shown.push(call)}` },
    );
    context.font = "600 8px chart-1, document";
    context.textAlign = "center";
    context.fillStyle = "#102030";
    context.fillText("abcd", 100, 50);
    context.translate(100, 50);
    context.rotate(-Math.PI / 2);
    context.fillText("abcd", 0, 0);
    expect(shown).toEqual([
      ["abcd", 80, 50, 8, true, "#102030", 0],
      ["abcd", 100, 30, 8, true, "#102030", 90],
    ]);
  });

  test("refuses a place that is no number", () => {
    expect(() => draw((context) => context.moveTo(Number.NaN, 1))).toThrow("no place on the axis");
  });
});
