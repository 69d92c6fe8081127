/** Files read back by programs that are not ours: LibreOffice and poppler-utils, as Debian packages them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { z } from "zod";

/** Where CI is set nothing is skipped: what lacks there fails. */
const mustRun = process.env["CI"] === "true";

/** Why tests that need these programs cannot run here, to put behind their name; empty when they can. */
export function whyLacking(...programs: string[]): string {
  const missing = programs.filter((program) => Bun.which(program) === null);
  return mustRun || missing.length === 0 ? "" : ` (skipped: ${missing.join(", ")} not installed)`;
}

/** What a program prints. Throws with its complaints when it does not end with exit code 0. */
export async function runReader(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
  const [output, problems, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (exitCode !== 0) throw new Error(`${command[0]} ended with ${exitCode}: ${problems}${output}`);
  return output;
}

/** Gives `work` a folder that is removed after it. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "report-readers-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One sheet as LibreOffice shows it. */
export interface OfficeSheet {
  readonly name: string;
  /** Rows padded to the same length; the last one is the last that is not empty. */
  readonly records: readonly (readonly OfficeCell[])[];
}

export interface OfficeCell {
  /** As the cell's number format shows it. */
  readonly text: string;
  /** Whether the cell is a text, and no number, time or boolean. */
  readonly isText: boolean;
}

/**
 * CSV in UTF-8 with texts in quotes, numbers bare and as shown, every sheet in a file of its own.
 * Source: LibreOffice help, "Filter Options for CSV", tokens 1 to 12.
 */
const CSV_FILTER = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,true,true,false,false,-1";

/** Lets one LibreOffice write all sheets of all workbooks as CSV into `folder`; gives back the paths by workbook and sheet. */
export async function convertSheets(
  folder: string,
  workbooks: readonly string[],
): Promise<{ workbook: string; sheet: string; path: string }[]> {
  const output = await runReader([
    "soffice",
    `-env:UserInstallation=file://${folder}/profile`,
    "--headless",
    "--convert-to",
    CSV_FILTER,
    "--outdir",
    join(folder, "csv"),
    ...workbooks,
  ]);
  const written: { workbook: string; sheet: string; path: string }[] = [];
  let workbook = "";
  for (const line of output.split("\n")) {
    workbook = /^convert (\S+) using/.exec(line)?.[1] ?? workbook;
    const [, sheet, path] = /^Writing sheet (.*) -> (.*)$/.exec(line) ?? [];
    if (sheet !== undefined && path !== undefined) written.push({ workbook, sheet, path });
  }
  return written;
}

const records = z.array(z.array(z.object({ text: z.string(), isText: z.boolean() })));

function parseSheet(csv: string): OfficeCell[][] {
  return records.parse(
    parse(csv, {
      record_delimiter: "\n",
      cast: (text, { quoting }) => ({ text, isText: quoting }),
    }),
  );
}

/** The data sheet of each workbook, all of them converted by one start of LibreOffice. */
export async function readInOffice(workbooks: readonly Uint8Array[]): Promise<OfficeSheet[]> {
  return await inFolder(async (folder) => {
    const paths = workbooks.map((_, index) => join(folder, `book${index}.xlsx`));
    for (const [index, path] of paths.entries()) await Bun.write(path, workbooks[index] ?? "");
    const written = await convertSheets(folder, paths);
    return await Promise.all(
      paths.map(async (workbook) => {
        const first = written.find((one) => one.workbook === workbook);
        if (first === undefined) throw new Error(`LibreOffice did not read ${workbook}`);
        const bytes = await Bun.file(first.path).bytes();
        const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
        return { name: first.sheet, records: parseSheet(text) };
      }),
    );
  });
}

/** A word with its box in points from the page's upper left corner. */
export interface PlacedWord {
  readonly text: string;
  readonly left: number;
  /** Half way between its top and its bottom. */
  readonly middle: number;
}

/** The words of each page, in the order in which they were drawn, as poppler reads them. */
export async function readDrawnWords(path: string): Promise<PlacedWord[][]> {
  const output = await runReader(["pdftotext", "-raw", "-bbox", path, "-"]);
  const pages: PlacedWord[][] = [];
  // A word may hold what looks like the end of a line; a box never does.
  for (const [, page, left, top, bottom, text = ""] of output.matchAll(
    /(<page )|<word xMin="(.*?)" yMin="(.*?)" xMax=".*?" yMax="(.*?)">([^<]*)<\/word>/g,
  )) {
    if (page !== undefined) pages.push([]);
    else
      pages.at(-1)?.push({
        text: plainText(text),
        left: Number(left),
        middle: (Number(top) + Number(bottom)) / 2,
      });
  }
  return pages;
}

function plainText(xml: string): string {
  return xml
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
