/** PDF files read back by programs that are not ours: poppler-utils and qpdf (Debian packages). */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAMS = ["pdftotext", "pdfinfo", "qpdf"];
const missing = PROGRAMS.filter((program) => Bun.which(program) === null);

/** True when the tests that read files back cannot run here. */
export const lacksReaders = missing.length > 0;
/** To put behind a group's name, so that a skipped group says why. */
export const whySkipped = lacksReaders ? ` (skipped: ${missing.join(", ")} not installed)` : "";

async function run(
  program: string,
  bytes: Uint8Array,
  makeArguments: (path: string) => string[],
): Promise<{ exitCode: number; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), "pdf-"));
  try {
    const path = join(folder, "report.pdf");
    await Bun.write(path, bytes);
    const child = Bun.spawn([program, ...makeArguments(path)], { stdout: "pipe", stderr: "pipe" });
    const [output, problems, exitCode] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    return { exitCode, output: output + problems };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The text of each page, laid out as on paper. */
export async function readPages(bytes: Uint8Array): Promise<string[]> {
  const { output } = await run("pdftotext", bytes, (path) => ["-layout", path, "-"]);
  return output.split("\f").slice(0, -1);
}

/** All text in the order of the file, without layout. */
export async function readText(bytes: Uint8Array): Promise<string> {
  return (await run("pdftotext", bytes, (path) => ["-raw", "-nopgbrk", path, "-"])).output;
}

export interface Word {
  readonly page: number;
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
}

/** Each word with its place, in points from the page's upper left corner. */
export async function readWords(bytes: Uint8Array): Promise<Word[]> {
  const { output } = await run("pdftotext", bytes, (path) => ["-bbox", path, "-"]);
  const words: Word[] = [];
  let page = 0;
  for (const line of output.split("\n")) {
    if (line.includes("<page ")) page++;
    const match = /xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax=".*?">(.*)<\/word>/.exec(line);
    if (match === null) continue;
    const [, left, top, right, text = ""] = match;
    words.push({ page, text, left: Number(left), right: Number(right), top: Number(top) });
  }
  return words;
}

/** The lines "Title: ...", "Pages: ..." of pdfinfo, by name. */
export async function readInfo(bytes: Uint8Array): Promise<Map<string, string>> {
  const { output } = await run("pdfinfo", bytes, (path) => ["-isodates", path]);
  return new Map(
    output.split("\n").map((line) => {
      const [name = "", ...rest] = line.split(":");
      return [name, rest.join(":").trim()];
    }),
  );
}

/** What qpdf has to say against the file; empty when it is sound. */
export async function findFaults(bytes: Uint8Array): Promise<string> {
  const { exitCode, output } = await run("qpdf", bytes, (path) => ["--check", path]);
  return exitCode === 0 ? "" : output;
}

/** The titles of the bookmarks, children after their parent. */
export async function readBookmarks(bytes: Uint8Array): Promise<string[]> {
  const { output } = await run("qpdf", bytes, (path) => ["--json", "--json-key=outlines", path]);
  const { outlines }: { outlines: Bookmark[] } = JSON.parse(output);
  const listTitles = ({ title, kids }: Bookmark): string[] => [title, ...kids.flatMap(listTitles)];
  return outlines.flatMap(listTitles);
}

interface Bookmark {
  readonly title: string;
  readonly kids: readonly Bookmark[];
}
