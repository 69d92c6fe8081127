import { isOperator, isSignificant, isWord, readTokens, type Token } from "./sql-tokens.ts";
import type { OrderTerm } from "./unload.ts";

/**
 * The ORDER BY of a query over the columns of its result, to be asked for again when the result is read
 * again (RESULT_SCAN "isn't guaranteed to return rows in the same order"). Empty: the query asks for no order.
 * Null: it orders by something that is no column of its result.
 */
export function readRowOrder(sql: string, names: readonly string[]): OrderTerm[] | null {
  const tokens = readTokens(sql).filter(isSignificant);
  if (isOperator(tokens[0], "(")) return tokens.some((token) => isWord(token, "ORDER")) ? null : [];
  const clause = findOrderBy(tokens);
  if (clause === null) return [];
  const terms = splitTerms(clause).map((term) => readTerm(term, names));
  return terms.every((term) => term !== null) ? terms : null;
}

/** What stands between ORDER BY, outside of brackets, and what may follow it. */
function findOrderBy(tokens: readonly Token[]): Token[] | null {
  let depth = 0;
  let clause: Token[] | null = null;
  for (const [index, token] of tokens.entries()) {
    if (isOperator(token, "(", "[", "{")) depth += 1;
    if (isOperator(token, ")", "]", "}")) depth -= 1;
    if (depth === 0 && isWord(token, "LIMIT", "OFFSET", "FETCH", "FOR")) return clause;
    if (depth === 0 && isOperator(token, ";", "->>")) return clause;
    const isStart = isWord(token, "BY") && isWord(tokens[index - 1], "ORDER");
    if (depth === 0 && isStart) clause = [];
    else clause?.push(token);
  }
  return clause;
}

function splitTerms(clause: readonly Token[]): Token[][] {
  const terms: Token[][] = [[]];
  for (const token of clause) {
    // A comma in brackets splits too: such a term is no column anyway.
    if (isOperator(token, ",")) terms.push([]);
    else terms.at(-1)?.push(token);
  }
  return terms;
}

const DIRECTION = /^(?:(?:ASC|DESC) ?)?(?:NULLS (?:FIRST|LAST))?$/;

function readTerm([column, ...rest]: readonly Token[], names: readonly string[]): OrderTerm | null {
  const direction = rest.map(({ text }) => text.toUpperCase()).join(" ");
  const name = column === undefined ? undefined : readColumn(column, names);
  if (name === undefined || !DIRECTION.test(direction)) return null;
  return { name, direction };
}

function readColumn({ kind, text }: Token, names: readonly string[]): string | undefined {
  switch (kind) {
    case "number":
      return names[Number(text) - 1];
    case "word":
      return names.find((name) => name === text.toUpperCase());
    case "quoted":
      return names.find((name) => name === text.slice(1, -1).replaceAll('""', '"'));
    case "space":
    case "comment":
    case "string":
    case "variable":
    case "operator":
      return undefined;
  }
}
