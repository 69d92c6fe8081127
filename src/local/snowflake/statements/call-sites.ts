/** Where a statement's text calls external functions. */

import { completePath, type NameContext } from "../engine/catalog.ts";
import type { ExternalFunctionEntry } from "../engine/routines.ts";
import { readTokens, type Token } from "../translate/tokens.ts";
import { splitList } from "./routine-text.ts";

export interface CallSite {
  /** Overloads of the name that is called. */
  readonly overloads: readonly ExternalFunctionEntry[];
  /** Of the whole call, in the text. */
  readonly start: number;
  readonly end: number;
  readonly args: readonly string[];
  readonly place: Place;
}

/**
 * - "once": in a SELECT without FROM, so that there is one call.
 * - "rows": a whole item of the outermost SELECT, which has a FROM; `name` is the column's.
 */
export type Place =
  | { readonly kind: "once" }
  | { readonly kind: "rows"; readonly name: string; readonly itemEnd: number }
  | { readonly kind: "elsewhere" };

export type FindOverloads = (path: readonly string[]) => readonly ExternalFunctionEntry[];

/** The overloads of a written name; none when it is no external function. */
export function overloadFinder(
  functions: readonly ExternalFunctionEntry[],
  names: NameContext,
): FindOverloads {
  return (path) => {
    const candidates = functions.filter((entry) => entry.path[2] === path.at(-1));
    if (candidates.length === 0 || (path.length < 3 && names.database === null)) return [];
    if (path.length < 2 && names.schema === null) return [];
    const complete = completePath(path, names);
    return candidates.filter((entry) => entry.path.every((part, i) => part === complete[i]));
  };
}

/** The last call in the text, whose arguments thus hold no other. */
export function findLastCall(sql: string, find: FindOverloads): CallSite | undefined {
  const tokens = readTokens(sql);
  for (let open = tokens.length - 1; open > 0; open--) {
    if (tokens[open]?.text !== "(" || tokens[open]?.kind !== "symbol") continue;
    const first = pathStart(tokens, open);
    const path = tokens.slice(first, open).filter(isName);
    const overloads = path.length === 0 ? [] : find(path.map(({ value }) => value));
    if (overloads.length > 0) return readSite(sql, tokens, first, open, overloads);
  }
  return undefined;
}

function isName({ kind }: Token): boolean {
  return kind === "word" || kind === "quoted";
}

/** The index of the first token of the name in front of a bracket. */
function pathStart(tokens: readonly Token[], open: number): number {
  let first = open;
  const isNameAt = (index: number): boolean => {
    const token = tokens[index];
    return token !== undefined && isName(token);
  };
  if (!isNameAt(first - 1)) return first;
  first--;
  while (tokens[first - 1]?.text === "." && isNameAt(first - 2)) first -= 2;
  return first;
}

function readSite(
  sql: string,
  tokens: readonly Token[],
  first: number,
  open: number,
  overloads: readonly ExternalFunctionEntry[],
): CallSite {
  const depths = readDepths(tokens);
  const close = tokens.findIndex(
    (token, index) => index > open && token.text === ")" && depths[index] === depths[open],
  );
  const start = tokens[first]?.start ?? 0;
  const inner = sql.slice(tokens[open]?.end, tokens[close]?.start);
  return {
    overloads,
    start,
    end: tokens[close]?.end ?? sql.length,
    args: inner.trim() === "" ? [] : splitList(inner),
    place: placeOf(sql, tokens, depths, first, close),
  };
}

/** How many brackets are open at each token; a bracket itself counts as outside. */
function readDepths(tokens: readonly Token[]): number[] {
  let depth = 0;
  return tokens.map(({ kind, text }) => {
    if (kind === "symbol" && /^[)\]}]$/.test(text)) depth--;
    const own = depth;
    if (kind === "symbol" && /^[([{]$/.test(text)) depth++;
    return own;
  });
}

function isWord(token: Token | undefined, pattern: RegExp): boolean {
  return token?.kind === "word" && pattern.test(token.value);
}

function placeOf(
  sql: string,
  tokens: readonly Token[],
  depths: readonly number[],
  first: number,
  close: number,
): Place {
  const select = enclosingSelect(tokens, depths, first);
  if (select < 0) return isWord(tokens[0], /^INSERT$/) ? { kind: "once" } : { kind: "elsewhere" };
  const depth = depths[select] ?? 0;
  const end = tokens.findIndex((_, i) => i > select && (depths[i] ?? 0) < depth);
  const own = (index: number): boolean =>
    index > select && (end < 0 || index < end) && depths[index] === depth;
  const hasWord = (pattern: RegExp): boolean =>
    tokens.some((token, index) => own(index) && isWord(token, pattern));
  if (!hasWord(/^FROM$/)) return { kind: "once" };
  const isPlain = depth === 0 && !hasWord(/^(?:DISTINCT|UNION|INTERSECT|EXCEPT|MINUS)$/);
  const item = isPlain && depths[first] === 0 ? readItem(sql, tokens, first, close) : undefined;
  return item ?? { kind: "elsewhere" };
}

/** The SELECT that a token belongs to, or -1. */
function enclosingSelect(
  tokens: readonly Token[],
  depths: readonly number[],
  from: number,
): number {
  let depth = depths[from] ?? 0;
  for (let index = from; index >= 0; index--) {
    depth = Math.min(depth, depths[index] ?? 0);
    if (depths[index] === depth && isWord(tokens[index], /^SELECT$/)) return index;
  }
  return -1;
}

/** The call as a whole item of the list, with the name of its column. */
function readItem(
  sql: string,
  tokens: readonly Token[],
  first: number,
  close: number,
): Place | undefined {
  const before = tokens[first - 1];
  if (!isWord(before, /^(?:SELECT|ALL)$/) && before?.text !== ",") return undefined;
  const isAs = isWord(tokens[close + 1], /^AS$/);
  const next = tokens[close + (isAs ? 2 : 1)];
  const hasAlias = next !== undefined && isName(next) && (isAs || !isWord(next, /^FROM$/));
  const last = hasAlias ? close + (isAs ? 2 : 1) : close;
  const after = tokens[last + 1];
  if (after?.text !== "," && !isWord(after, /^FROM$/)) return undefined;
  const text = sql.slice(tokens[first]?.start, tokens[close]?.end).toUpperCase();
  return { kind: "rows", name: hasAlias ? next.value : text, itemEnd: tokens[last]?.end ?? 0 };
}
