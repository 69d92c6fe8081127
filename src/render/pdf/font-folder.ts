/**
 * Further fonts in a folder (.ttf, .otf, .ttc, .otc). The folder is listed once in the life of the process; a file
 * is read when a character is looked for that no font before it has, and what stays in memory of a font that is not
 * used is which characters it has.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { subsetCff } from "./font-cff.ts";
import type { FontFile, FontWeight } from "./font-files.ts";
import { readFonts } from "./font-reader.ts";
import { subsetTrueType } from "./font-subset.ts";

export interface FontFolder {
  /** The font that has a character: of the weight, if there is one, else of another. */
  find(codePoint: number, weight: FontWeight): FontFile | null;
  /** Names of what could not be read until now: files, or the folder. */
  readonly unreadable: readonly string[];
}

interface Candidate {
  readonly name: string;
  find(codePoint: number): FontFile | null;
}

const FONT_NAME = /\.(?:ttf|otf|ttc|otc)$/i;
/** Fonts for emphasis or of thin strokes are taken only when no other font has the character. */
const BOLD_NAME = /bold|black|heavy|[-_]bd/i;
const UNUSUAL_NAME = /italic|oblique|thin|light|condensed|mono/i;
/** More files are not looked into: each is read whole when a character is in none of them. */
const FILES_MAX = 200;

const folders = new Map<string, FontFolder>();

export function openFontFolder(path: string): FontFolder {
  const folder = folders.get(path) ?? scanFolder(path);
  folders.set(path, folder);
  return folder;
}

function scanFolder(path: string): FontFolder {
  const unreadable: string[] = [];
  const report = (name: string): void => {
    if (!unreadable.includes(name)) unreadable.push(name);
  };
  let names: string[] = [];
  try {
    names = readdirSync(path).filter((name) => FONT_NAME.test(name));
  } catch {
    report(path);
  }
  const candidates = names
    .toSorted()
    .slice(0, FILES_MAX)
    .map((name) => {
      const read = (): FontFile[] => readFonts(readFileSync(join(path, name)));
      return createCandidate(name, read, report);
    });
  const ordered = { regular: orderFor(candidates, "regular"), bold: orderFor(candidates, "bold") };
  return {
    unreadable,
    find(codePoint, weight) {
      for (const candidate of ordered[weight]) {
        const file = candidate.find(codePoint);
        if (file !== null) return file;
      }
      return null;
    },
  };
}

function orderFor(candidates: readonly Candidate[], weight: FontWeight): Candidate[] {
  const rank = ({ name }: Candidate): number =>
    (UNUSUAL_NAME.test(name) ? 2 : 0) + (BOLD_NAME.test(name) === (weight === "bold") ? 0 : 1);
  return candidates.toSorted((one, other) => rank(one) - rank(other));
}

function createCandidate(
  name: string,
  read: () => FontFile[],
  report: (name: string) => void,
): Candidate {
  const used = new Map<number, FontFile>();
  let coverages: readonly Uint8Array[] | null = null;

  function keep(file: FontFile | undefined, index: number): FontFile | null {
    if (file === undefined) return null;
    tryFont(file);
    used.set(index, file);
    return file;
  }

  function search(codePoint: number): FontFile | null {
    const fonts = coverages === null ? read() : null;
    coverages ??= (fonts ?? []).map((font) => composeCoverage(font.listCodePoints()));
    const index = coverages.findIndex((coverage) => covers(coverage, codePoint));
    if (index < 0) return null;
    return used.get(index) ?? keep((fonts ?? read())[index], index);
  }

  return {
    name,
    find(codePoint) {
      try {
        return search(codePoint);
      } catch {
        // A broken file gives errors of many kinds; what counts is that it cannot be used.
        report(name);
        coverages = [];
        return null;
      }
    },
  };
}

/**
 * Throws when a font cannot be written into a document, as its tables are broken: at the end of the document that
 * could not be mended. It takes 0.1 s for 20 MB, once.
 */
function tryFont(file: FontFile): void {
  if (file.outlines === "cff") subsetCff(file, []);
  else
    subsetTrueType(
      file,
      Array.from({ length: file.glyphCount }, (_, glyphId) => glyphId),
    );
}

/** One bit for each code point: 139 kB, or 8 kB for a font without characters beyond U+FFFF. */
function composeCoverage(codePoints: readonly number[]): Uint8Array {
  const last = codePoints.reduce((most, codePoint) => Math.max(most, codePoint), 0);
  const bits = new Uint8Array((last >> 3) + 1);
  for (const codePoint of codePoints) {
    const at = codePoint >> 3;
    bits[at] = (bits[at] ?? 0) | (1 << (codePoint & 7));
  }
  return bits;
}

function covers(bits: Uint8Array, codePoint: number): boolean {
  return ((bits[codePoint >> 3] ?? 0) & (1 << (codePoint & 7))) !== 0;
}
