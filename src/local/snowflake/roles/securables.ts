/** What privileges are granted on: the account, and everything in the catalog that has an owner. */

import { type Catalog, type Entry, fullName } from "../engine/catalog.ts";
import { writeTypeName } from "../engine/routines.ts";
import {
  isNamedAlone,
  isSecurableKind,
  SHARED_DATABASES,
  type SecurableKind,
} from "./privileges.ts";

export interface Securable {
  readonly kind: SecurableKind;
  readonly path: readonly string[];
  /** Of a procedure or function: "(VARCHAR, NUMBER)"; else empty. */
  readonly signature: string;
  readonly owner: string;
  /** Null for what is there without having been made, such as the account. */
  readonly entry: OwnedEntry | null;
}

export type OwnedEntry = Exclude<Entry, { kind: "grant" }>;

export const ACCOUNT: Securable = {
  kind: "ACCOUNT",
  path: [],
  signature: "",
  owner: "ACCOUNTADMIN",
  entry: null,
};

/** A warehouse that is there without having been created. */
const IMPLICIT_WAREHOUSES: ReadonlySet<string> = new Set(["COMPUTE_WH"]);

export function securableOf(entry: OwnedEntry): Securable {
  const { path, owner } = entry;
  const word = (entry.kind.split(" ").at(-1) ?? "").toUpperCase();
  const kind = isSecurableKind(word) ? word : "TABLE";
  return { kind, path, signature: signatureOf(entry), owner, entry };
}

function signatureOf(entry: OwnedEntry): string {
  return "arguments" in entry
    ? `(${entry.arguments.map(({ type }) => writeTypeName(type)).join(", ")})`
    : "";
}

/** As grants name it: "TABLE D.S.T", "ROLE R", "PROCEDURE D.S.P(VARCHAR)". */
export function describeSecurable({ kind, path, signature }: Securable): string {
  if (kind === "ACCOUNT") return kind;
  const name = kind === "ROLE" || kind === "USER" ? (path[0] ?? "") : fullName(path);
  return `${kind} ${name}${signature}`;
}

/** The database that it is, or lies in. */
export function securableDatabase({ kind, path }: Securable): string | null {
  return CONTAINED.has(kind) ? (path[0] ?? null) : null;
}

const CONTAINED: ReadonlySet<SecurableKind> = new Set([
  "DATABASE",
  "SCHEMA",
  "TABLE",
  "VIEW",
  "STREAM",
  "TASK",
  "PROCEDURE",
  "FUNCTION",
  "STAGE",
]);

/** The one of this kind and full path; of routines with several signatures all are given. */
export function findSecurables(
  catalog: Catalog,
  kind: SecurableKind,
  path: readonly string[],
): Securable[] {
  if (kind === "ACCOUNT") return [ACCOUNT];
  if (isNamedAlone(kind)) return findNamed(catalog, kind, path);
  const name = fullName(path);
  return listWithin(catalog, path.slice(0, -1)).filter(
    (target) => target.kind === kind && fullName(target.path) === name,
  );
}

function findNamed(
  catalog: Catalog,
  kind: "DATABASE" | "WAREHOUSE" | "INTEGRATION" | "ROLE" | "USER",
  path: readonly string[],
): Securable[] {
  const [name = ""] = path;
  if (kind === "USER" || kind === "INTEGRATION") {
    const entry = kind === "USER" ? catalog.user(name) : catalog.callables.integration(name);
    return entry === undefined ? [] : [securableOf(entry)];
  }
  return findContainer(catalog, kind, path);
}

function findContainer(
  catalog: Catalog,
  kind: "ROLE" | "WAREHOUSE" | "DATABASE",
  path: readonly string[],
): Securable[] {
  const lower = { ROLE: "role", WAREHOUSE: "warehouse", DATABASE: "database" } as const;
  const entry = catalog.container(lower[kind], path);
  if (entry !== undefined) return [securableOf(entry)];
  const [name = ""] = path;
  const isThere =
    (kind === "WAREHOUSE" && IMPLICIT_WAREHOUSES.has(name)) ||
    (kind === "DATABASE" && SHARED_DATABASES.has(name));
  return isThere ? [{ ...ACCOUNT, kind, path, owner: "SYSADMIN" }] : [];
}

/** Everything in a schema or database that can be granted on; temporary tables cannot. */
export function listWithin(catalog: Catalog, path: readonly string[]): Securable[] {
  return catalog
    .within(path)
    .filter((entry) => entry.kind !== "table" || entry.session === null)
    .map(securableOf);
}

/** Everything that has an owner. */
export function listOwned(catalog: Catalog): Securable[] {
  const kinds = ["database", "warehouse", "role"] as const;
  return [
    ...kinds.flatMap((kind) => catalog.listContainers(kind).map(securableOf)),
    ...catalog.listUsers().map(securableOf),
    ...catalog.callables.list("api integration").map(securableOf),
    ...listWithin(catalog, []),
  ];
}
