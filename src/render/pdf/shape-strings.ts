/**
 * What stands between `<` and `>Tj` for one line. It begins and ends inside a string of codes of the primary font;
 * between, other strings and operators may stand (ISO 32000-1 §9.4). Lengths that depend on the size of the text are
 * written `{f}`, a part of that size, for whoever knows it.
 */
import type { FontUse } from "./font-uses.ts";
import type { Sign } from "./signs.ts";

/** Thousandths of the size of the font, from where the pen is. */
export interface Placement {
  readonly advance?: number | undefined;
  readonly x?: number | undefined;
  readonly y?: number | undefined;
}

export interface StringWriter {
  setFont(use: FontUse): void;
  show(sign: Sign, placement?: Placement): void;
  /**
   * Draws a sign that takes no room when the font changes or the line ends: what readers find between the letters
   * then stays on one height.
   */
  defer(sign: Sign, place: { x: number; y: number }): void;
  /** What follows reads back as `text`, whatever its codes say (§14.9.4). */
  beginActualText(text: string): void;
  endActualText(): void;
  finish(): { width: number; codes: string };
}

const SIZES = /\{(.*?)\}/g;

/** Puts the size of the text, as the content stream counts it, where `codes` needs it. */
export function applySize(codes: string, size: number): string {
  if (!codes.includes("{")) return codes;
  return codes.replaceAll(SIZES, (_, part: string) => String(Math.round(Number(part) * size)));
}

export function createStringWriter(primary: FontUse): StringWriter {
  let codes = "";
  let width = 0;
  let use = primary;
  /** How far the pen must move before the next sign. */
  let pending = 0;
  /** How far the signs in this font reach. */
  let pen = 0;
  let deferred: { sign: Sign; x: number; y: number }[] = [];

  function operate(operators: string): void {
    codes += `>Tj ${operators}<`;
  }

  function movePen(): void {
    // A number in an array for TJ moves to the left.
    if (pending !== 0) operate(`[${-pending}]TJ`);
    pending = 0;
  }

  function setFont(next: FontUse): void {
    if (next === use) return;
    drawDeferred();
    movePen();
    use = next;
    pen = 0;
    operate(`/${use.name} {${use.scale}} Tf`);
  }

  function show(sign: Sign, { advance = sign.width, x = 0, y = 0 }: Placement = {}): void {
    pending += x;
    movePen();
    const rise = ((y * use.scale) / 1000).toFixed(4);
    codes += y === 0 ? sign.hex : `>Tj {${rise}} Ts<${sign.hex}>Tj 0 Ts<`;
    pending = advance - sign.width - x;
    pen += advance;
    width += advance * use.scale;
  }

  function drawDeferred(): void {
    for (const { sign, x, y } of deferred) show(sign, { advance: 0, x: x - pen, y });
    deferred = [];
  }

  return {
    setFont,
    show,
    defer: (sign, { x, y }) => void deferred.push({ sign, x: pen + x, y }),
    beginActualText(text) {
      movePen();
      operate(`/Span<</ActualText<feff${hexUtf16(text)}>>>BDC`);
    },
    endActualText: () => operate("EMC"),
    finish() {
      drawDeferred();
      setFont(primary);
      return { width, codes };
    },
  };
}

/** UTF-16BE in hexadecimal. */
export function hexUtf16(text: string): string {
  return Buffer.from(text, "utf16le").swap16().toString("hex");
}
