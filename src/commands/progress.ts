import { formatCount } from "../report/message.ts";
import type { Progress } from "../worker/execute.ts";

export interface ProgressLine {
  /** False: nobody watches, and the caller may log instead. */
  show(progress: Progress): boolean;
  clear(): void;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const REDRAW_MS = 80;
const ERASE_LINE = "\r\u001B[2K";

/** One line at the bottom of a terminal that is drawn over; nothing where there is no terminal. */
export function createProgressLine(output: NodeJS.WriteStream): ProgressLine {
  let drawnAtMs = 0;
  let frame = 0;
  let isDrawn = false;
  return {
    show: (progress) => {
      if (!output.isTTY) return false;
      const nowMs = performance.now();
      if (nowMs - drawnAtMs < REDRAW_MS) return true;
      drawnAtMs = nowMs;
      frame = (frame + 1) % FRAMES.length;
      isDrawn = true;
      output.write(`${ERASE_LINE}${FRAMES[frame] ?? ""} ${describe(progress)}`);
      return true;
    },
    clear: () => {
      if (isDrawn) output.write(ERASE_LINE);
      isDrawn = false;
    },
  };
}

function describe({ claim, phase, rowCount, rowsTotal }: Progress): string {
  const name = claim.row.reportName;
  if (rowsTotal === null || rowsTotal === 0) return `${name}  ${phase}`;
  const percent = Math.floor((100 * rowCount) / rowsTotal);
  return `${name}  ${phase}  ${formatCount(rowCount)} of ${formatCount(rowsTotal)} rows  ${percent} %`;
}
