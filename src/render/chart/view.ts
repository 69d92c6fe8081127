/** Vega without a browser and without a canvas: a specification becomes a scene, a scene is drawn. */
import * as vega from "vega";
import { compile } from "vega-lite";
import { messageOf, ReportError } from "../../report/errors.ts";
import { findDrawing } from "./drawings.ts";
import type { UnitSpec } from "./spec.ts";
import { BOLD_FROM, PADDING } from "./theme.ts";

vega.expressionFunction("chartTick", (value: number, font: string) =>
  findDrawing(font).writeTick(value),
);
vega.expressionFunction("chartPosition", (value: number, font: string) =>
  findDrawing(font).writePosition(value),
);
vega.textMetrics.width = (item, text) => {
  const line = String(text ?? "").trim();
  const isBold = Number(item.fontWeight) >= BOLD_FROM || item.fontWeight === "bold";
  const width = findDrawing(item.font).measure(line, item.fontSize ?? 11, isBold);
  return item.limit !== undefined && item.limit > 0 ? Math.min(width, item.limit) : width;
};

/** A chart that is laid out. */
interface Layout {
  readonly scene: vega.Scene;
  /** Where the plot begins in the box. */
  readonly origin: readonly [number, number];
}

async function layOut(spec: UnitSpec): Promise<Layout> {
  const { logger, problems } = createLogger();
  const compiled = compile(spec, { logger });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: "none", logger });
  try {
    await view.runAsync();
    if (problems.length > 0) throw new ReportError("render_failed", `chart: ${problems[0]}`);
    const [x, y] = view.origin();
    return { scene: view.scenegraph().root, origin: [PADDING + x, PADDING + y] };
  } finally {
    view.finalize();
  }
}

/** Vega reports what fails in its dataflow to the log alone, and would go on without. */
function createLogger(): { logger: vega.LoggerInterface; problems: string[] } {
  const problems: string[] = [];
  let level = vega.Error;
  function setLevel(next: number): vega.LoggerInterface;
  function setLevel(): number;
  function setLevel(next?: number): vega.LoggerInterface | number {
    if (next === undefined) return level;
    level = next;
    return logger;
  }
  const ignore = (): vega.LoggerInterface => logger;
  const logger: vega.LoggerInterface = {
    level: setLevel,
    error: (...texts: readonly unknown[]) => {
      problems.push(texts.map(messageOf).join(" "));
      return logger;
    },
    warn: ignore,
    info: ignore,
    debug: ignore,
  };
  return { logger, problems };
}

/** Draws on whatever understands the calls of a CanvasRenderingContext2D that vega makes. */
export async function drawOnContext(
  spec: UnitSpec,
  box: { width: number; height: number },
  context: object,
): Promise<void> {
  const { scene, origin } = await layOut(spec);
  new vega.CanvasRenderer()
    .initialize(null, box.width, box.height, origin, 1, { externalContext: context })
    .render(scene);
}

export async function drawSvg(
  spec: UnitSpec,
  box: { width: number; height: number },
): Promise<string> {
  const { scene, origin } = await layOut(spec);
  return new vega.SVGStringRenderer()
    .initialize(null, box.width, box.height, origin, 1)
    .render(scene)
    .svg();
}
