/** What a PDF draws beside its texts, read by poppler-utils and qpdf. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

async function readWith(
  bytes: Uint8Array,
  makeCommand: (path: string) => string[],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "pdf-layout-"));
  try {
    const path = join(folder, "report.pdf");
    await Bun.write(path, bytes);
    const child = Bun.spawn(makeCommand(path), { stdout: "pipe", stderr: "pipe" });
    const [output] = await Promise.all([child.stdout.bytes(), child.exited]);
    return Buffer.from(output).toString("latin1");
  } finally {
    await rm(folder, { recursive: true });
  }
}

export interface Picture {
  readonly page: number;
  readonly type: string;
  readonly width: number;
  readonly height: number;
  readonly encoding: string;
}

/** The pictures on the pages, by pdfimages. */
export async function readPictures(bytes: Uint8Array): Promise<Picture[]> {
  const output = await readWith(bytes, (path) => ["pdfimages", "-list", path]);
  const lines = output.split("\n").slice(2);
  return lines.flatMap((line) => {
    const [page, , type = "", width, height, , , , encoding = ""] = line.trim().split(/\s+/);
    if (page === "" || page === undefined) return [];
    return [{ page: Number(page), type, width: Number(width), height: Number(height), encoding }];
  });
}

/** The lines of all streams and objects, inflated by qpdf. */
export async function readOperators(bytes: Uint8Array): Promise<string[]> {
  const output = await readWith(bytes, (path) => ["qpdf", "--qdf", path, "-"]);
  return output.split("\n");
}
