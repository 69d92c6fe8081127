/**
 * What a statement needs before it does anything, as far as its first words tell. What it reads and writes by name is
 * asked for where the names are resolved (readable.ts).
 */

import { completePath, completeSchemaPath } from "../engine/catalog.ts";
import type { Execution } from "../engine/execution.ts";
import { namesOf } from "../translate/context.ts";
import { TokenReader } from "../translate/tokens.ts";
import { authorityOf, sees } from "./authority.ts";
import { authorize, authorizePath } from "./authorize.ts";
import { existsUnseen } from "./errors.ts";
import { authorizeCalls } from "./calls.ts";
import { isNamedAlone, isSecurableKind, type SecurableKind } from "./privileges.ts";
import { ACCOUNT, findSecurables, type Securable } from "./securables.ts";

type Check = (reader: TokenReader, execution: Execution) => void;

/** Statements with expressions, which may call functions. */
const CALLERS: ReadonlySet<string> = new Set([
  "SELECT",
  "WITH",
  "(",
  "INSERT",
  "UPDATE",
  "DELETE",
  "MERGE",
  "CALL",
  "COPY",
]);

const CHECKS: Readonly<Record<string, Check>> = {
  CREATE: checkCreate,
  ALTER: checkAlter,
  DROP: checkDrop,
  UNDROP: checkDrop,
  COMMENT: checkComment,
  DESCRIBE: checkDescribe,
  DESC: checkDescribe,
  EXECUTE: checkExecute,
};

/** Throws EngineError 002003, 003001 or 000606 for what the session's roles may not do. */
export function authorizeStatement(execution: Execution): void {
  if (authorityOf(execution).isAdmin) return;
  const reader = new TokenReader(execution.sql);
  const verb = reader.next().value;
  CHECKS[verb]?.(reader, execution);
  if (CALLERS.has(verb)) authorizeCalls(reader, execution, verb);
}

const MODIFIERS = ["SECURE", "TRANSIENT", "RECURSIVE", "LOCAL", "GLOBAL", "EXTERNAL"] as const;
const TEMPORARY = ["TEMPORARY", "TEMP", "VOLATILE"] as const;

/** The kind of thing that comes next, such as `API INTEGRATION`; undefined when it cannot be granted on. */
function readKind(reader: TokenReader): SecurableKind | undefined {
  for (const word of MODIFIERS) reader.take(word);
  for (const word of ["API", "STORAGE", "NOTIFICATION", "SECURITY"]) reader.take(word);
  const word = reader.peek()?.value ?? "";
  if (!isSecurableKind(word) || word === "ACCOUNT") return undefined;
  reader.next();
  return word;
}

/** Written as the kind has it, with database and schema. */
export function completeName(
  kind: SecurableKind,
  written: readonly string[],
  execution: Execution,
): readonly string[] {
  if (kind === "ACCOUNT") return [];
  if (kind === "SCHEMA") return completeSchemaPath(written, namesOf(execution));
  return isNamedAlone(kind) ? written : completePath(written, namesOf(execution));
}

function checkCreate(reader: TokenReader, execution: Execution): void {
  const replaces = reader.take("OR", "REPLACE") || reader.take("OR", "ALTER");
  for (const word of MODIFIERS) reader.take(word);
  const isTemporary = TEMPORARY.some((word) => reader.take(word));
  const kind = readKind(reader);
  if (kind === undefined) return;
  const ifNotExists = reader.take("IF", "NOT", "EXISTS");
  const path = completeName(kind, reader.path(), execution);
  authorizePath(execution, path);
  const [existing] = findSecurables(execution.server.storage.catalog, kind, path);
  if (existing !== undefined && ifNotExists) return requireSight(existing, execution);
  if (existing !== undefined && replaces) authorize(execution, existing, ["OWNERSHIP"]);
  // A temporary table needs nothing but USAGE of the schema.
  if (!isTemporary) authorize(execution, parentOf(path, execution), [`CREATE ${kind}`]);
  checkParts(kind, reader, execution);
}

function requireSight(existing: Securable, execution: Execution): void {
  if (!sees(authorityOf(execution), execution.server.storage.catalog, existing))
    throw existsUnseen(existing);
}

function parentOf(path: readonly string[], execution: Execution): Securable {
  if (path.length < 2) return ACCOUNT;
  const { catalog } = execution.server.storage;
  const kind = path.length === 2 ? "DATABASE" : "SCHEMA";
  const parent = path.slice(0, -1);
  // One that does not exist is told of by whoever looks for it next.
  return findSecurables(catalog, kind, parent)[0] ?? { ...ACCOUNT, kind, path: parent };
}

/** The things that a new one is made of: a task's warehouse, a function's integration, a stream's table. */
function checkParts(kind: SecurableKind, reader: TokenReader, execution: Execution): void {
  const { catalog } = execution.server.storage;
  const parts = PARTS[kind];
  if (parts === undefined) return;
  for (; !reader.done && !reader.at("AS"); reader.next()) {
    if (!reader.at(...parts.words)) continue;
    reader.take(...parts.words);
    const path = completeName(parts.kind, reader.path(), execution);
    for (const target of findSecurables(catalog, parts.kind, path))
      authorize(execution, target, [parts.privilege]);
    return;
  }
}

const PARTS: Readonly<
  Partial<
    Record<
      SecurableKind,
      {
        readonly words: readonly string[];
        readonly kind: SecurableKind;
        readonly privilege: string;
      }
    >
  >
> = {
  STREAM: { words: ["ON", "TABLE"], kind: "TABLE", privilege: "SELECT" },
  TASK: { words: ["WAREHOUSE", "="], kind: "WAREHOUSE", privilege: "USAGE" },
  FUNCTION: { words: ["API_INTEGRATION", "="], kind: "INTEGRATION", privilege: "USAGE" },
};

/** For the owner; a task and a warehouse can be stopped and started by others too, and a warehouse altered. */
function checkAlter(reader: TokenReader, execution: Execution): void {
  checkChange(reader, execution, (kind) => {
    if (reader.at("RESUME") || reader.at("SUSPEND")) return ["OPERATE"];
    return kind === "WAREHOUSE" ? ["MODIFY"] : [];
  });
}

function checkDrop(reader: TokenReader, execution: Execution): void {
  checkChange(reader, execution, () => []);
}

/** `besidesOwnership` is asked once the name is read: which other privileges will do. */
function checkChange(
  reader: TokenReader,
  execution: Execution,
  besidesOwnership: (kind: SecurableKind) => readonly string[],
): void {
  const kind = readKind(reader);
  if (kind === undefined) return;
  reader.take("IF", "EXISTS");
  const path = completeName(kind, reader.path(), execution);
  const privileges = ["OWNERSHIP", ...besidesOwnership(kind)];
  const targets = findTargets(kind, path, execution);
  for (const target of targets) authorize(execution, target, privileges);
  if (targets.length === 0) authorizePath(execution, path);
}

function findTargets(
  kind: SecurableKind,
  path: readonly string[],
  { server }: Execution,
): Securable[] {
  return findSecurables(server.storage.catalog, kind, path);
}

function checkComment(reader: TokenReader, execution: Execution): void {
  reader.take("IF", "EXISTS");
  reader.expect("ON");
  const isColumn = reader.take("COLUMN");
  const kind = isColumn ? "TABLE" : readKind(reader);
  if (kind === undefined) return;
  const written = reader.path();
  const path = completeName(kind, isColumn ? written.slice(0, -1) : written, execution);
  for (const target of findTargets(kind, path, execution))
    authorize(execution, target, ["OWNERSHIP"]);
}

function checkDescribe(reader: TokenReader, execution: Execution): void {
  const kind = readKind(reader);
  if (kind === undefined) return;
  const path = completeName(kind, reader.path(), execution);
  authorizePath(execution, path);
  const { catalog } = execution.server.storage;
  const kinds: SecurableKind[] = kind === "TABLE" || kind === "VIEW" ? ["TABLE", "VIEW"] : [kind];
  for (const target of kinds.flatMap((each) => findSecurables(catalog, each, path)))
    authorize(execution, target, []);
}

/** EXECUTE TASK. */
function checkExecute(reader: TokenReader, execution: Execution): void {
  const kind = readKind(reader);
  if (kind !== "TASK") return;
  const path = completeName(kind, reader.path(), execution);
  for (const target of findTargets(kind, path, execution))
    authorize(execution, target, ["OPERATE"]);
}
