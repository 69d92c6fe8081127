/** One line at the bottom of a terminal that is drawn over; nothing where there is no terminal. */
export interface ProgressLine {
  /** Nobody watches: the caller may log instead. */
  readonly isHidden: boolean;
  show(text: string): void;
  clear(): void;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const REDRAW_MS = 80;
const ERASE_LINE = "\r\u001B[2K";

export function createProgressLine(output: NodeJS.WriteStream): ProgressLine {
  let drawnAtMs = 0;
  let frame = 0;
  let isDrawn = false;
  return {
    isHidden: !output.isTTY,
    show: (text) => {
      const nowMs = performance.now();
      if (!output.isTTY || nowMs - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = nowMs;
      frame = (frame + 1) % FRAMES.length;
      isDrawn = true;
      output.write(`${ERASE_LINE}${FRAMES[frame] ?? ""} ${text}`);
    },
    clear: () => {
      if (isDrawn) output.write(ERASE_LINE);
      isDrawn = false;
    },
  };
}
