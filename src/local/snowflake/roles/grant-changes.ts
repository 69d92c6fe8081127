/** What becomes of grants when things are made, replaced, renamed and dropped. */

import { type Catalog, type Entry, fullName, type GrantEntry } from "../engine/catalog.ts";
import type { Execution } from "../engine/execution.ts";
import { grantsOn, grantsTo } from "./authority.ts";
import { describeSecurable, findSecurables, type Securable, securableOf } from "./securables.ts";

/** How a grant on what is yet to come is kept: "FUTURE TABLE D.S". */
export function futureName(kind: string, path: readonly string[]): string {
  return `FUTURE ${kind} ${fullName(path)}`;
}

interface GrantChange {
  readonly put: readonly GrantEntry[];
  readonly remove: readonly GrantEntry[];
}

/**
 * Whoever is dropped loses the grants on it and to it. Whatever is new, or replaced without COPY GRANTS, begins with
 * those that were made on the future of its schema and database; what is only changed or renamed keeps its own.
 */
export function changeGrants(
  put: readonly Entry[],
  removed: readonly Entry[],
  { server, sql }: Execution,
): GrantChange {
  const { catalog } = server.storage;
  const made = put.flatMap(grantable);
  const gone = removed.flatMap(grantable);
  if (made.length + gone.length === 0) return { put: [], remove: [] };
  const renamed = gone.flatMap((old) => {
    const now = made.find((target) => isSame(old, target));
    return now === undefined ? [] : [{ old, now }];
  });
  const moved = renamed.flatMap(({ old, now }) => moveGrants(old, now, catalog));
  const fresh = made.filter((target) => isNew(target, gone, catalog));
  const copies = /\bCOPY\s+GRANTS\b/i.test(sql);
  const kept = new Set(copies ? made.map(describeSecurable) : []);
  const lost = [...gone, ...fresh].filter((target) => !kept.has(describeSecurable(target)));
  return {
    put: [...moved, ...fresh.flatMap((target) => futureGrants(target, catalog))],
    remove: lost.flatMap((target) => grantsAbout(target, catalog)),
  };
}

function grantable(entry: Entry): Securable[] {
  if (entry.kind === "grant" || (entry.kind === "table" && entry.session !== null)) return [];
  return [securableOf(entry)];
}

function isSame(a: Securable, b: Securable): boolean {
  return a.kind === b.kind && a.entry?.createdAtMs === b.entry?.createdAtMs;
}

/** The entry of a change has the time of its making still; a new one has another, or was not there. */
function isNew(target: Securable, gone: readonly Securable[], catalog: Catalog): boolean {
  if (gone.some((old) => isSame(old, target))) return false;
  const known = findSecurables(catalog, target.kind, target.path).find(
    ({ signature }) => signature === target.signature,
  );
  return known?.entry?.createdAtMs !== target.entry?.createdAtMs;
}

function grantsAbout(target: Securable, catalog: Catalog): GrantEntry[] {
  const name = describeSecurable(target);
  const isContainer = target.kind === "SCHEMA" || target.kind === "DATABASE";
  const future = isContainer
    ? catalog.listGrants().filter(({ path }) => isFutureIn(path[1], target.path))
    : [];
  return [...grantsOn(catalog, name), ...grantsTo(catalog, name), ...future];
}

function isFutureIn(on: string, path: readonly string[]): boolean {
  return on.startsWith("FUTURE ") && on.split(" ").slice(2).join(" ") === fullName(path);
}

function moveGrants(old: Securable, now: Securable, catalog: Catalog): GrantEntry[] {
  return grantsOn(catalog, describeSecurable(old)).map((entry) => ({
    ...entry,
    path: [entry.path[0], describeSecurable(now), entry.path[2]],
  }));
}

/** Those of the schema come before those of the database, which then do not count. */
function futureGrants(target: Securable, catalog: Catalog): GrantEntry[] {
  const places = [target.path.slice(0, 2), target.path.slice(0, 1)].filter(
    (path) => path.length > 0 && path.length < target.path.length,
  );
  for (const path of places) {
    const grants = grantsOn(catalog, futureName(target.kind, path));
    if (grants.length === 0) continue;
    const on = describeSecurable(target);
    return grants.map((entry) => ({
      ...entry,
      createdAtMs: Date.now(),
      path: [entry.path[0], on, entry.path[2]],
    }));
  }
  return [];
}
