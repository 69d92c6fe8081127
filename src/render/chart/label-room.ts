import type { SpecLook } from "./spec.ts";
import { FONT_SIZE } from "./theme.ts";

/** How the names under an axis are written so that they do not touch. */
export interface LabelRoom {
  /** Degrees, clockwise: 0 flat, -45 rising, -90 upright. */
  readonly angle: 0 | -45 | -90;
  /** Points; longer names end in an ellipsis. */
  readonly limit: number;
  /** Every how manieth name is written; more than 1 when they do not fit upright. */
  readonly step: number;
}

/** What the value axis takes of the width, about. */
const VALUE_AXIS_WIDTH = 50;
const GAP = 6;
/** Names take at most this part of the height. */
const HEIGHT_PART = 0.3;
/** Distance of the feet of rising names that do not touch. */
const RISING_STEP = FONT_SIZE.label * 1.6;
const UPRIGHT_STEP = FONT_SIZE.label * 1.15;

export function chooseCategoryRoom(labels: readonly string[], look: SpecLook): LabelRoom {
  const step = (look.width - VALUE_AXIS_WIDTH) / labels.length;
  const widest = Math.max(...labels.map((name) => look.measure(name, FONT_SIZE.label, false)));
  // One name, or two, may be cut rather than turned.
  if (widest + GAP <= step || labels.length <= 2) return { angle: 0, limit: step - GAP, step: 1 };
  const limit = look.height * HEIGHT_PART;
  if (step >= RISING_STEP) return { angle: -45, limit: limit * Math.SQRT2, step: 1 };
  return { angle: -90, limit, step: Math.ceil(UPRIGHT_STEP / step) };
}
