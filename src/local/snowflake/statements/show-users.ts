/** SHOW USERS and DESCRIBE USER. */

import { createHash } from "node:crypto";
import type { EngineResult } from "../engine.ts";
import type { Execution } from "../engine/execution.ts";
import { isShown } from "../roles/authorize.ts";
import { unknownName } from "../roles/errors.ts";
import { securableOf } from "../roles/securables.ts";
import type { TokenReader } from "../translate/tokens.ts";
import { answer, type Header, readScope, seconds, texts, TIME } from "./show-scope.ts";
import { USER_DEFAULTS, USER_TEXTS } from "./user.ts";

const SHOWN = [
  "LOGIN_NAME",
  "DISPLAY_NAME",
  "EMAIL",
  "TYPE",
  "DISABLED",
  "DEFAULT_WAREHOUSE",
  "DEFAULT_NAMESPACE",
  "DEFAULT_ROLE",
  "DEFAULT_SECONDARY_ROLES",
];

/** Source of the columns: docs.snowflake.com/en/sql-reference/sql/show-users. */
export function showUsers(reader: TokenReader, execution: Execution): EngineResult {
  const scope = readScope(reader, execution);
  const { catalog } = execution.server.storage;
  const header: Header = [
    ...texts("name"),
    ["created_on", TIME],
    ...texts(...SHOWN.map((name) => name.toLowerCase())),
    ...texts("comment", "owner", "has_password", "has_rsa_public_key", "has_workload_identity"),
  ];
  const users = catalog
    .listUsers()
    .filter((user) => scope.matches(user.path[0] ?? "") && isShown(securableOf(user), execution))
    .sort((a, b) => (a.path[0] ?? "").localeCompare(b.path[0] ?? ""));
  return answer(
    header,
    users.map((user) => [
      user.path[0] ?? "",
      seconds(user.createdAtMs),
      ...SHOWN.map((name) => showProperty(name, user.properties[name] ?? "")),
      user.comment,
      user.owner,
      ...["PASSWORD", "RSA_PUBLIC_KEY", "WORKLOAD_IDENTITY"].map((name) =>
        String(name in user.properties),
      ),
    ]),
  );
}

function showProperty(name: string, value: string): string {
  if (name === "DEFAULT_SECONDARY_ROLES") return value === "ALL" ? '["ALL"]' : "[]";
  return value;
}

/** DESCRIBE USER name: a row for each property. */
export function describeUser(reader: TokenReader, execution: Execution): EngineResult {
  const name = reader.name();
  reader.expectEnd();
  const user = execution.server.storage.catalog.user(name);
  if (user === undefined) throw unknownName("USER", name);
  const { RSA_PUBLIC_KEY } = user.properties;
  const fingerprint = RSA_PUBLIC_KEY === undefined ? "null" : fingerprintOf(RSA_PUBLIC_KEY);
  const rows = [
    ["NAME", name],
    ...[...USER_TEXTS, "DEFAULT_SECONDARY_ROLES"].map((property) => [
      property,
      showProperty(property, user.properties[property] ?? "null"),
    ]),
    ["RSA_PUBLIC_KEY", RSA_PUBLIC_KEY ?? "null"],
    ["RSA_PUBLIC_KEY_FP", fingerprint],
    ["HAS_WORKLOAD_IDENTITY", String("WORKLOAD_IDENTITY" in user.properties)],
  ];
  return answer(
    texts("property", "value", "default", "description"),
    rows.map(([property = "", value = ""]) => [
      property,
      value,
      USER_DEFAULTS[property] ?? "null",
      "",
    ]),
  );
}

/** As Snowflake shows it: of the key's DER form. */
function fingerprintOf(key: string): string {
  return `SHA256:${createHash("sha256").update(Buffer.from(key, "base64")).digest("base64")}`;
}
