/** SHOW GRANTS and SHOW FUTURE GRANTS. */

import type { GrantEntry } from "../engine/catalog.ts";
import type { EngineResult } from "../engine.ts";
import type { Execution } from "../engine/execution.ts";
import { grantsOn, grantsTo } from "../roles/authority.ts";
import { unknownName } from "../roles/errors.ts";
import { readContainer, readGrantTarget } from "../roles/grant-target.ts";
import { roleExists } from "../roles/login.ts";
import { describeSecurable, listOwned, type Securable } from "../roles/securables.ts";
import type { TokenReader } from "../translate/tokens.ts";
import { answer, type Cell, type Header, seconds, texts, TIME } from "./show-scope.ts";

/** Source of the columns: docs.snowflake.com/en/sql-reference/sql/show-grants. */
const COLUMNS: Header = [
  ["created_on", TIME],
  ...texts(
    "privilege",
    "granted_on",
    "name",
    "granted_to",
    "grantee_name",
    "grant_option",
    "granted_by",
  ),
];

/** SHOW GRANTS [ON object | TO ROLE r | TO USER u | OF ROLE r]; alone it is those of the session's user. */
export function showGrants(reader: TokenReader, execution: Execution): EngineResult {
  if (reader.take("ON")) return showOn(reader, execution);
  if (reader.take("OF", "ROLE")) return showOf(reader, execution);
  if (reader.take("TO", "ROLE")) return showToRole(reader, execution);
  const user = reader.take("TO", "USER") ? reader.name() : execution.state.user;
  reader.expectEnd();
  const grants = grantsTo(execution.server.storage.catalog, `USER ${user}`);
  return answer(
    [["created_on", TIME], ...texts("role", "granted_to", "grantee_name", "granted_by")],
    grants.map(({ createdAtMs, path, grantedBy }) => [
      seconds(createdAtMs),
      path[1].slice("ROLE ".length),
      "USER",
      user,
      grantedBy,
    ]),
  );
}

function showOn(reader: TokenReader, execution: Execution): EngineResult {
  const target = readGrantTarget(reader, execution);
  reader.expectEnd();
  const objects = target.scope === "object" ? target.objects : [];
  const { catalog } = execution.server.storage;
  return answer(
    COLUMNS,
    objects.flatMap((object) => [
      ...ownershipRow(object),
      ...grantsOn(catalog, describeSecurable(object)).map(grantRow),
    ]),
  );
}

function showToRole(reader: TokenReader, execution: Execution): EngineResult {
  const role = readRole(reader, execution);
  const { catalog } = execution.server.storage;
  const owned = listOwned(catalog).filter(({ owner }) => owner === role);
  const granted = grantsTo(catalog, `ROLE ${role}`).filter(({ path }) => !isFuture(path[1]));
  return answer(COLUMNS, [...owned.flatMap(ownershipRow), ...granted.map(grantRow)]);
}

function showOf(reader: TokenReader, execution: Execution): EngineResult {
  const role = readRole(reader, execution);
  const grants = grantsOn(execution.server.storage.catalog, `ROLE ${role}`);
  return answer(
    [["created_on", TIME], ...texts("role", "granted_to", "grantee_name", "granted_by")],
    grants.map(({ createdAtMs, path, grantedBy }) => [
      seconds(createdAtMs),
      role,
      ...splitName(path[2]),
      grantedBy,
    ]),
  );
}

function readRole(reader: TokenReader, execution: Execution): string {
  const role = reader.name();
  reader.expectEnd();
  if (!roleExists(execution.server.storage.catalog, role)) throw unknownName("ROLE", role);
  return role;
}

function isFuture(on: string): boolean {
  return on.startsWith("FUTURE ");
}

function ownershipRow(object: Securable): Cell[][] {
  const { entry, owner } = object;
  if (entry === null) return [];
  const [kind, name] = splitName(describeSecurable(object));
  return [[seconds(entry.createdAtMs), "OWNERSHIP", kind, name, "ROLE", owner, "true", owner]];
}

function grantRow({ path, createdAtMs, grantedBy, withGrantOption }: GrantEntry): Cell[] {
  const [privilege, on, to] = path;
  return [
    seconds(createdAtMs),
    privilege,
    ...splitName(on),
    ...splitName(to),
    String(withGrantOption),
    grantedBy,
  ];
}

/** "TABLE D.S.T" as "TABLE" and "D.S.T"; the account has no name of its own here. */
function splitName(text: string): [string, string] {
  const isDatabaseRole = text.startsWith("DATABASE ROLE ");
  const end = isDatabaseRole ? "DATABASE ROLE".length : text.indexOf(" ");
  if (end < 0) return [text, "LOCAL"];
  return [text.slice(0, end).replaceAll(" ", "_"), text.slice(end + 1)];
}

/** SHOW FUTURE GRANTS IN SCHEMA s | IN DATABASE d | TO ROLE r. */
export function showFutureGrants(reader: TokenReader, execution: Execution): EngineResult {
  reader.expect("GRANTS");
  const { catalog } = execution.server.storage;
  const future = catalog.listGrants().filter(({ path }) => isFuture(path[1]));
  const matches = readFutureFilter(reader, execution);
  const header: Header = [
    ["created_on", TIME],
    ...texts("privilege", "grant_on", "name", "grant_to", "grantee_name", "grant_option"),
  ];
  return answer(
    header,
    future.filter(matches).map(({ path, createdAtMs, withGrantOption }) => {
      const [kind = "", ...place] = path[1].slice("FUTURE ".length).split(" ");
      const name = `${place.join(" ")}.<${kind}>`;
      return [
        seconds(createdAtMs),
        path[0],
        kind,
        name,
        ...splitName(path[2]),
        String(withGrantOption),
      ];
    }),
  );
}

function readFutureFilter(
  reader: TokenReader,
  execution: Execution,
): (grant: GrantEntry) => boolean {
  if (reader.take("TO", "ROLE")) {
    const role = readRole(reader, execution);
    return ({ path }) => path[2] === `ROLE ${role}`;
  }
  reader.expect("IN");
  const [, place] = splitName(describeSecurable(readContainer(reader, execution)));
  reader.expectEnd();
  return ({ path }) => path[1].split(" ").slice(2).join(" ") === place;
}
