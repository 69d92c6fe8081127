import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import lock from "../../bun.lock" with { type: "jsonc" };
import packageFile from "../../package.json" with { type: "json" };
import { root } from "./dockerfile.ts";

/** Ask for no more than that their text goes with copies; MPL-2.0 also for the sources of its own files, as published. */
const ALLOWED = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "MIT/X11",
  "MPL-2.0",
  "OFL-1.1",
  "Unlicense",
  "Zlib",
]);

/** Looked at by a person, as their packages say it otherwise, or not at all. */
const KNOWN: Record<string, string> = {
  "dejavu-fonts-ttf":
    "SEE LICENSE IN README.md AND LICENSE: Bitstream Vera's, whose text is in LICENSE-FONTS.txt",
  buffers:
    "undefined: a part of exceljs's reading of zip files, of which nothing is used here; published in 2011 without terms",
};

interface Needs {
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly os?: unknown;
  readonly cpu?: unknown;
}

const packages = lock.packages as unknown as Record<string, [string, string, Needs, string]>;

/** The lock's key of a dependency: the one that lies nearest, as Node.js looks for it. */
function resolveKey(from: string, name: string): string {
  const parts = from === "" ? [] : from.split(/\/(?=@|[^@/]+(?:\/|$))/);
  for (let length = parts.length; length > 0; length -= 1) {
    const key = [...parts.slice(0, length), name].join("/");
    if (key in packages) return key;
  }
  return name;
}

/** Keys of everything that the executable may contain. */
function listProduction(): string[] {
  const found = new Set<string>();
  const visit = (from: string, needs: Needs): void => {
    const names = { ...needs.dependencies, ...needs.optionalDependencies };
    for (const name of Object.keys(names)) {
      const key = resolveKey(from, name);
      const entry = packages[key];
      if (entry === undefined || found.has(key)) continue;
      found.add(key);
      visit(key, entry[2]);
    }
  };
  visit("", packageFile);
  return [...found];
}

function isAllowed(expression: string): boolean {
  const alternatives = expression.replace(/[()]/g, "").split(/ OR /);
  return alternatives.some((terms) =>
    terms.split(/ AND /).every((term) => ALLOWED.has(term.trim())),
  );
}

async function licenceOf(key: string): Promise<string> {
  const folder = key.replace(/\/(?=@|[^@/]+(?:\/|$))/g, (slash, at: number) =>
    /(?:^|\/)@[^/]+$/.test(key.slice(0, at)) ? slash : "/node_modules/",
  );
  const path = join(root, "node_modules", folder, "package.json");
  // Of another platform.
  if (!existsSync(path) && packages[key]?.[2].os !== undefined) return "MIT";
  const { license, licenses } = await Bun.file(path).json();
  return String(license?.type ?? license ?? licenses?.[0]?.type);
}

test("every licence in the executable lets itself be used", async () => {
  const production = listProduction();
  expect(production.length).toBeGreaterThan(150);
  const wrong: string[] = [];
  for (const key of production) {
    const licence = await licenceOf(key);
    const isKnown = KNOWN[key]?.startsWith(`${licence}: `) === true;
    if (!isKnown && !isAllowed(licence)) wrong.push(`${key}: ${licence}`);
  }
  expect(wrong).toEqual([]);
});

test("another licence would be seen", () => {
  expect(isAllowed("GPL-3.0-only")).toBe(false);
  expect(isAllowed("MIT AND GPL-3.0-only")).toBe(false);
  expect(isAllowed("(MIT OR GPL-3.0-or-later)")).toBe(true);
  expect(isAllowed("undefined")).toBe(false);
});
