/** What GRANT and REVOKE name behind ON. */

import { completeSchemaPath, fullName } from "../engine/catalog.ts";
import { compilationError, doesNotExist, unsupported } from "../engine/errors.ts";
import type { Execution } from "../engine/execution.ts";
import { writeTypeName } from "../engine/routines.ts";
import { namesOf } from "../translate/context.ts";
import { parseType } from "../translate/snowflake-types.ts";
import { TokenReader } from "../translate/tokens.ts";
import { unknownName } from "./errors.ts";
import { isSecurableKind, PRIVILEGES, SCHEMA_OBJECTS, type SecurableKind } from "./privileges.ts";
import { ACCOUNT, findSecurables, listWithin, type Securable } from "./securables.ts";
import { completeName } from "./statement-needs.ts";

export type GrantTarget =
  | {
      readonly scope: "object";
      readonly kind: SecurableKind;
      readonly objects: readonly Securable[];
    }
  /** Those to come: `FUTURE TABLES IN SCHEMA s`. */
  | { readonly scope: "future"; readonly kind: SecurableKind; readonly container: Securable };

/** `ACCOUNT | kind name[(types)] | {ALL | FUTURE} plural IN {SCHEMA | DATABASE} name`. Throws EngineError. */
export function readGrantTarget(reader: TokenReader, execution: Execution): GrantTarget {
  if (reader.take("ACCOUNT")) return { scope: "object", kind: "ACCOUNT", objects: [ACCOUNT] };
  const isFuture = reader.at("FUTURE");
  if (isFuture || reader.at("ALL")) {
    reader.next();
    return readMany(reader, execution, isFuture);
  }
  const kind = readKind(reader);
  const path = completeName(kind, reader.path(), execution);
  const isRoutine = kind === "PROCEDURE" || kind === "FUNCTION";
  const signature = isRoutine ? readSignature(reader) : "";
  const object = findSecurables(execution.server.storage.catalog, kind, path).find(
    (target) => target.signature === signature,
  );
  if (object === undefined) throw missing(kind, path, signature);
  return { scope: "object", kind, objects: [object] };
}

function readKind(reader: TokenReader): SecurableKind {
  const word = reader.peek()?.value ?? "";
  if (!isSecurableKind(word)) throw unsupported(`GRANT ON ${word}`);
  reader.next();
  return word;
}

function readSignature(reader: TokenReader): string {
  const text = reader.textInBrackets().trim();
  if (text === "") return "()";
  const inner = new TokenReader(text);
  const types: string[] = [];
  do types.push(inner.textUntil((token) => token.text === ",").trim());
  while (inner.take(","));
  return `(${types.map((type) => writeTypeName(parseType(type))).join(", ")})`;
}

function missing(kind: SecurableKind, path: readonly string[], signature: string): Error {
  if (path.length === 1 && kind !== "DATABASE") return unknownName(kind, path[0] ?? "");
  return doesNotExist(`${kind[0] ?? ""}${kind.slice(1).toLowerCase()}`, fullName(path) + signature);
}

function readMany(reader: TokenReader, execution: Execution, isFuture: boolean): GrantTarget {
  const plural = reader.name();
  const kind = Object.entries({ ...SCHEMA_OBJECTS, SCHEMAS: "SCHEMA" as const }).find(
    ([word]) => word === plural,
  )?.[1];
  if (kind === undefined) throw unsupported(`GRANT ON ALL ${plural}`);
  reader.expect("IN");
  const container = readContainer(reader, execution);
  if (isFuture) return { scope: "future", kind, container };
  const objects = listWithin(execution.server.storage.catalog, container.path);
  return { scope: "object", kind, objects: objects.filter((target) => target.kind === kind) };
}

/** `SCHEMA s` or `DATABASE d`. */
export function readContainer(reader: TokenReader, execution: Execution): Securable {
  const { catalog } = execution.server.storage;
  const isSchema = reader.take("SCHEMA");
  if (!isSchema) reader.expect("DATABASE");
  const written = reader.path();
  const path = isSchema ? completeSchemaPath(written, namesOf(execution)) : written;
  if (isSchema) catalog.requireSchema(path);
  else catalog.requireDatabase(path[0] ?? "");
  const [found] = findSecurables(catalog, isSchema ? "SCHEMA" : "DATABASE", path);
  if (found === undefined) throw doesNotExist("Object", fullName(path));
  return found;
}

/** The privileges by their full names; `ALL [PRIVILEGES]` is every one of the kind. Throws EngineError. */
export function expandPrivileges(written: readonly string[], kind: SecurableKind): string[] {
  const known: readonly string[] = PRIVILEGES[kind];
  if (written.length === 1 && /^ALL(?: PRIVILEGES)?$/.test(written[0] ?? "")) return [...known];
  for (const privilege of written) {
    const isKnown = known.includes(privilege) || privilege === "OWNERSHIP";
    if (!isKnown)
      throw compilationError(`Invalid object type '${kind}' for privilege '${privilege}'`);
  }
  return [...written];
}
