/** Functions that tell about the session and the time. They are constants of a statement. */

import { compilationError } from "../engine/errors.ts";
import type { Rewriting } from "./rewriting.ts";
import { castTo, fieldsIf, isNull, literalText, type Node, raw, textLiteral } from "./sql-ast.ts";

type SessionFunction = (args: readonly Node[], rewriting: Rewriting) => Node;

function value(name: string): SessionFunction {
  return (_args, { context }) => {
    const text = context.sessionValues[name];
    return text === undefined || text === null
      ? castTo({ null: null }, "VARCHAR")
      : textLiteral(text);
  };
}

function instant({ context }: Rewriting): Node {
  return castTo(textLiteral(`${context.now.toISOString().replace("Z", "")}+00`), "TIMESTAMPTZ");
}

const now: SessionFunction = (_args, rewriting) => instant(rewriting);

function streamHasData(args: readonly Node[], rewriting: Rewriting): Node {
  const name = literalText(args[0]);
  if (name === undefined || isNull(args[0]))
    throw compilationError("SYSTEM$STREAM_HAS_DATA needs the name of a stream");
  return raw(rewriting.context.streamHasData(name));
}

function getDdl(args: readonly Node[], { context }: Rewriting): Node {
  const [kind, name] = args.map(literalText);
  if (kind === undefined || name === undefined)
    throw compilationError("GET_DDL needs a kind and the name of an object");
  const isQualified = fieldsIf(args[2], "boolean")?.["value"] === true;
  return textLiteral(context.getDdl(kind, name, isQualified));
}

export const SESSION_FUNCTIONS: Readonly<Record<string, SessionFunction>> = {
  CURRENT_TIMESTAMP: now,
  GETDATE: now,
  LOCALTIMESTAMP: now,
  SYSTIMESTAMP: now,
  SYSDATE: (_args, { context }) =>
    castTo(textLiteral(context.now.toISOString().replace("Z", "")), "TIMESTAMP_NS"),
  CURRENT_DATE: (_args, rewriting) => castTo(instant(rewriting), "DATE"),
  CURRENT_TIME: (_args, rewriting) => castTo(castTo(instant(rewriting), "TIMESTAMP_NS"), "TIME_NS"),
  LOCALTIME: (_args, rewriting) => castTo(castTo(instant(rewriting), "TIMESTAMP_NS"), "TIME_NS"),
  ...Object.fromEntries(
    [
      "CURRENT_USER",
      "CURRENT_ROLE",
      "CURRENT_DATABASE",
      "CURRENT_SCHEMA",
      "CURRENT_WAREHOUSE",
      "CURRENT_VERSION",
      "CURRENT_SESSION",
      "CURRENT_ACCOUNT",
      "CURRENT_ACCOUNT_NAME",
      "CURRENT_ORGANIZATION_NAME",
      "CURRENT_REGION",
      "CURRENT_CLIENT",
      "LAST_QUERY_ID",
      "CURRENT_SECONDARY_ROLES",
      "CURRENT_SCHEMAS",
      "CURRENT_TRANSACTION",
      "CURRENT_STATEMENT",
    ].map((name) => [name, value(name)]),
  ),
  SYSTEM$STREAM_HAS_DATA: streamHasData,
  GET_DDL: getDdl,
};
