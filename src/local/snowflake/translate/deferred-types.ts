/**
 * DuckDB chooses a macro's overload by the types of its arguments before it knows the types of aggregates, windows,
 * aliases of the same list and columns of an outer query. Within a lambda they are known: where a statement is refused
 * for that, its macro calls go into lambdas. That is slower (a list is made for each row), so it is not the rule.
 */

import { OVERLOADED_MACROS } from "./macros.ts";
import { readTokens, type Token } from "./tokens.ts";

const AMBIGUOUS = /has multiple overloads that match/;

const AGGREGATES: ReadonlySet<string> = new Set(
  [
    "MIN",
    "MAX",
    "SUM",
    "COUNT",
    "AVG",
    "ANY_VALUE",
    "MAX_BY",
    "MIN_BY",
    "ARG_MAX",
    "ARG_MIN",
    "LIST",
    "STRING_AGG",
    "OVER",
  ].concat([
    "FIRST_VALUE",
    "LAST_VALUE",
    "LAG",
    "LEAD",
    "QUANTILE_CONT",
    "QUANTILE_DISC",
    "BOOL_AND",
    "BOOL_OR",
    "JSON_GROUP_OBJECT",
    "MODE",
  ]),
);

/** Which calls go into lambdas: none, those of aggregates and windows (grouping by the others still works), all. */
type Extent = "aggregates" | "all";

/** Runs DuckDB's SQL; where overloads cannot be told apart, once more with the choice put off. */
export async function withDeferredTypes<Result>(
  sql: string,
  run: (sql: string) => Promise<Result>,
): Promise<Result> {
  try {
    return await run(sql);
  } catch (error) {
    if (!isAmbiguous(error)) throw error;
  }
  try {
    return await run(deferTypes(sql, "aggregates"));
  } catch (error) {
    if (!isAmbiguous(error)) throw error;
  }
  return await run(deferTypes(sql, "all"));
}

function isAmbiguous(error: unknown): boolean {
  return error instanceof Error && AMBIGUOUS.test(error.message);
}

/** The SQL with calls of overloaded macros in lambdas. */
export function deferTypes(sql: string, extent: Extent): string {
  const tokens = readTokens(sql, "duckdb");
  return new Deferral(sql, tokens, extent).write(0, tokens.length);
}

class Deferral {
  private readonly sql: string;
  private readonly tokens: readonly Token[];
  private readonly extent: Extent;
  private count = 0;

  constructor(sql: string, tokens: readonly Token[], extent: Extent) {
    this.sql = sql;
    this.tokens = tokens;
    this.extent = extent;
  }

  /** The text of the tokens from `first` up to `end`. */
  write(first: number, end: number): string {
    let text = "";
    for (let index = first; index < end; index++) {
      const name = this.macroAt(index);
      if (name === undefined) {
        text += this.textOf(index, index === first);
        continue;
      }
      const close = this.closeOf(index + 1);
      text += ` ${this.defer(name, index + 2, close)}`;
      index = close;
    }
    return text;
  }

  private macroAt(index: number): string | undefined {
    const name = this.tokens[index]?.value.toLowerCase() ?? "";
    const isCall = this.tokens[index]?.kind === "word" && this.tokens[index + 1]?.text === "(";
    if (!isCall || !OVERLOADED_MACROS.has(name)) return undefined;
    return this.extent === "all" || this.holdsAggregate(index + 2, this.closeOf(index + 1))
      ? name
      : undefined;
  }

  private holdsAggregate(first: number, close: number): boolean {
    return this.tokens
      .slice(first, close)
      .some((token) => token.kind === "word" && AGGREGATES.has(token.value));
  }

  /** A token with what stands before it. */
  private textOf(index: number, isFirst: boolean): string {
    const token = this.tokens[index];
    const from = isFirst ? token?.start : this.tokens[index - 1]?.end;
    return this.sql.slice(from, token?.end);
  }

  private closeOf(open: number): number {
    let depth = 0;
    for (let index = open; index < this.tokens.length; index++) {
      const text = this.tokens[index]?.text ?? "";
      if (text === "(") depth++;
      if (text === ")" && --depth === 0) return index;
    }
    return this.tokens.length;
  }

  private defer(name: string, first: number, close: number): string {
    const args = this.splitArguments(first, close).map(([from, to]) => this.write(from, to));
    const variable = `v${++this.count}`;
    const fields = args.map((arg, index) => `a${index}: ${arg}`).join(", ");
    const parameters = args.map((_, index) => `${variable}.a${index}`).join(", ");
    return `list_transform([{${fields}}], lambda ${variable}: ${name}(${parameters}))[1]`;
  }

  private splitArguments(first: number, close: number): [from: number, to: number][] {
    const parts: [number, number][] = [];
    let depth = 0;
    let from = first;
    for (let index = first; index < close; index++) {
      const text = this.tokens[index]?.kind === "symbol" ? (this.tokens[index]?.text ?? "") : "";
      if (/^[([{]$/.test(text)) depth++;
      if (/^[)\]}]$/.test(text)) depth--;
      if (text !== "," || depth > 0) continue;
      parts.push([from, index]);
      from = index + 1;
    }
    return [...parts, [from, close]];
  }
}
