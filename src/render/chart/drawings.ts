/**
 * Charts that are being drawn. Vega measures texts and calls expression functions through globals, and it works
 * asynchronously: the name of the font tells which drawing a call is for.
 */

/** The width of a text in points. */
export type Measure = (text: string, size: number, bold: boolean) => number;

export interface Drawing {
  readonly measure: Measure;
  /** The text at a value of y. */
  readonly writeTick: (value: number) => string;
  /** The text at a value of x that is a number. */
  readonly writePosition: (value: number) => string;
}

const drawings = new Map<string, Drawing>();
let lastNumber = 0;

/** Registers a drawing while `draw` runs, which is given the font name to use in the specification. */
export async function withDrawing<T>(
  drawing: Drawing,
  family: string,
  draw: (font: string) => Promise<T>,
): Promise<T> {
  lastNumber += 1;
  const font = `chart-${lastNumber}, ${family}`;
  drawings.set(font, drawing);
  try {
    return await draw(font);
  } finally {
    drawings.delete(font);
  }
}

/** Throws RangeError for a font that is no drawing's: a text whose font the specification did not set. */
export function findDrawing(font: string | undefined): Drawing {
  const drawing = font === undefined ? undefined : drawings.get(font);
  if (drawing === undefined) throw new RangeError(`No chart is drawn with the font ${font}`);
  return drawing;
}
