/** USAGE of the procedures and functions that a statement calls. */

import { completePath } from "../engine/catalog.ts";
import { EngineError } from "../engine.ts";
import type { Execution } from "../engine/execution.ts";
import { namesOf } from "../translate/context.ts";
import { TokenReader } from "../translate/tokens.ts";
import { authorityOf, holds, sees } from "./authority.ts";
import { authorizePath } from "./authorize.ts";
import { insufficientPrivileges } from "./errors.ts";
import { findSecurables, listWithin, type Securable } from "./securables.ts";

/** What is behind the verb. Throws EngineError 002141 for what the roles may not see, 003001 for what they may not call. */
export function authorizeCalls(reader: TokenReader, execution: Execution, verb: string): void {
  if (verb === "CALL") {
    const path = reader.path();
    authorizeCall("PROCEDURE", path, reader, execution);
    return;
  }
  const names = functionNames(execution);
  if (names.size === 0) return;
  const rest = new TokenReader(execution.sql);
  for (let token = rest.peek(); token !== undefined; token = rest.peek()) {
    const isName = token.kind === "word" || token.kind === "quoted";
    const path = isName ? rest.path() : [rest.next().value];
    if (isName && rest.at("(") && names.has(path.at(-1) ?? ""))
      authorizeCall("FUNCTION", path, rest, execution);
  }
}

/** Few accounts of a laptop have a function at all: then nothing has to be looked for. */
function functionNames({ server }: Execution): Set<string> {
  return new Set(
    listWithin(server.storage.catalog, [])
      .filter(({ kind }) => kind === "FUNCTION")
      .map(({ path }) => path.at(-1) ?? ""),
  );
}

function authorizeCall(
  kind: "PROCEDURE" | "FUNCTION",
  written: readonly string[],
  reader: TokenReader,
  execution: Execution,
): void {
  const path = completePath(written, namesOf(execution));
  const { catalog } = execution.server.storage;
  const authority = authorityOf(execution);
  authorizePath(execution, path);
  const overloads = chooseOverloads(findSecurables(catalog, kind, path), countArguments(reader));
  for (const target of overloads) {
    if (holds(authority, catalog, ["USAGE"], target)) continue;
    if (sees(authority, catalog, target)) throw insufficientPrivileges(target);
    throw new EngineError(
      "002141",
      "42601",
      `SQL compilation error:\nUnknown user-defined function ${written.join(".")}`,
    );
  }
}

/** Those with as many arguments, else those with more, of which some may have a default. */
function chooseOverloads(overloads: readonly Securable[], count: number): readonly Securable[] {
  const sized = overloads.map((target) => ({ target, size: countTypes(target.signature) }));
  const exact = sized.filter(({ size }) => size === count);
  const chosen = exact.length > 0 ? exact : sized.filter(({ size }) => size > count);
  return chosen.map(({ target }) => target);
}

function countTypes(signature: string): number {
  return signature === "()" ? 0 : signature.split(", ").length;
}

/** Of the brackets that are next, which are left to be read. */
function countArguments(reader: TokenReader): number {
  let depth = 0;
  let commas = 0;
  for (let offset = 0; ; offset++) {
    const token = reader.peek(offset);
    if (token === undefined) return 0;
    if (token.kind !== "symbol") continue;
    if (token.text === "(" || token.text === "[") depth++;
    if (token.text === ")" || token.text === "]") depth--;
    if (token.text === "," && depth === 1) commas++;
    if (depth === 0) return offset === 1 ? 0 : commas + 1;
  }
}
