/** The picture of a page, by poppler-utils: what a reader of the document sees. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const DOTS_PER_POINT = 3;
/** Darker than this is ink; stripes behind rows and rules between them are lighter. */
const INK = 128;

export interface Picture {
  /** Dots with ink of a part of the page (in points), row by row: "#" and ".". */
  crop(box: { left: number; right: number; top: number; bottom: number }): string[];
}

export async function takePicture(bytes: Uint8Array): Promise<Picture> {
  const folder = await mkdtemp(join(tmpdir(), "ink-"));
  try {
    const path = join(folder, "page.pdf");
    await Bun.write(path, bytes);
    const resolution = String(72 * DOTS_PER_POINT);
    const child = Bun.spawn(["pdftoppm", "-gray", "-r", resolution, "-f", "1", "-l", "1", path]);
    const picture = Buffer.from(await child.stdout.bytes());
    return readPicture(picture);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A binary PGM file: "P5", width, height, 255, then one byte for each dot. */
function readPicture(file: Buffer): Picture {
  const head = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(file.toString("latin1", 0, 64));
  if (head === null) throw new Error("pdftoppm gave no picture");
  const start = head[0].length;
  const width = Number(head[1]);
  return {
    crop(box) {
      const [left, right, top, bottom] = [box.left, box.right, box.top, box.bottom].map((points) =>
        Math.round(points * DOTS_PER_POINT),
      );
      const rows: string[] = [];
      for (let y = top ?? 0; y < (bottom ?? 0); y++) {
        const row = file.subarray(
          start + y * width + (left ?? 0),
          start + y * width + (right ?? 0),
        );
        rows.push(Array.from(row, (dot) => (dot < INK ? "#" : ".")).join(""));
      }
      return rows;
    },
  };
}

/** How many parts of a picture stand side by side with room between them. */
export function countParts(rows: readonly string[]): number {
  const columns = Array.from(rows[0] ?? "", (_, x) => rows.some((row) => row[x] === "#"));
  return columns.filter((hasInk, x) => hasInk && columns[x - 1] !== true).length;
}

/** The picture without the empty rows and columns around it. */
export function trimPicture(rows: readonly string[]): string[] {
  const inked = rows.filter((row) => row.includes("#"));
  const first = Math.min(...inked.map((row) => row.indexOf("#")));
  const last = Math.max(...inked.map((row) => row.lastIndexOf("#")));
  return inked.map((row) => row.slice(first, last + 1));
}
