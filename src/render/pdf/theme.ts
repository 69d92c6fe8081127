/** How a printed report looks. Lengths are points (1/72 inch), colours are PDF operands "r g b" of 0..1. */

export const PAGE_SIZES = { A4: [595.28, 841.89], Letter: [612, 792] } as const;

/** Where the table ends on each side, unless the report asks for margins of its own. */
export const DEFAULT_MARGIN = { left: 40, right: 40, top: 40, bottom: 48 } as const;

export const BODY = { size: 8.5, lineHeight: 11.2, padX: 5, padY: 2.4 } as const;
export const HEADER = { size: 8, lineHeight: 10.2, padY: 4 } as const;
export const TITLE = { size: 17, lineHeight: 21 } as const;
export const SUBTITLE = { size: 10.5, lineHeight: 14 } as const;
export const FACT = { labelSize: 7, size: 8.5, lineHeight: 11.2, gap: 14 } as const;
/** Below the table: `drop` from the table's end to the line that the footer stands on. */
export const FOOTER = { size: 7.5, drop: 22 } as const;
export const GROUP = { size: 9, lineHeight: 12, padY: 3.2, indent: 9, linesMax: 4 } as const;
export const NOTES = { size: 8.5, lineHeight: 11.6, padX: 9, padY: 8 } as const;

/** Part of a line's height above the baseline: centres the x-height of Source Sans in the line. */
export const BASELINE = 0.72;

export const COLOR = {
  ink: ".11 .13 .17",
  soft: ".42 .46 .52",
  faint: ".62 .65 .7",
  rule: ".86 .88 .91",
  zebra: ".97 .972 .976",
  notes: ".995 .965 .89",
  notesEdge: ".87 .62 .1",
} as const;

/** Shown for NULL, in a fainter colour than data, so that an empty text and a NULL can be told apart. */
export const NULL_TEXT = "–";
