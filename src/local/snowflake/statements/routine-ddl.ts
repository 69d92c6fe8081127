/** The CREATE statements of procedures, external functions and API integrations, for GET_DDL. */

import { fullName } from "../engine/catalog.ts";
import type {
  ApiIntegrationEntry,
  ExternalFunctionEntry,
  ProcedureEntry,
  RoutineEntry,
} from "../engine/routines.ts";
import { writeType } from "../translate/snowflake-types.ts";

export function writeProcedure(procedure: ProcedureEntry, name: string): string {
  const lines = [
    `CREATE OR REPLACE PROCEDURE ${name}(${writeArguments(procedure)})`,
    writeReturns(procedure),
    "LANGUAGE JAVASCRIPT",
    ...(procedure.isStrict ? ["STRICT"] : []),
    ...writeComment(procedure.comment),
    `EXECUTE AS ${procedure.rights}`,
    `AS ${quote(procedure.body)};`,
  ];
  return lines.join("\n");
}

export function writeExternalFunction(external: ExternalFunctionEntry, name: string): string {
  const { headers, contextHeaders, batchRowsMax } = external;
  const secure = external.isSecure ? "SECURE " : "";
  const lines = [
    `CREATE OR REPLACE ${secure}EXTERNAL FUNCTION ${name}(${writeArguments(external)})`,
    writeReturns(external),
    ...(external.isStrict ? ["STRICT"] : []),
    external.volatility,
    ...writeComment(external.comment),
    `API_INTEGRATION = ${fullName([external.integration])}`,
    ...(headers.length === 0
      ? []
      : [
          `HEADERS = (${headers.map(([key, value]) => `${quote(key)} = ${quote(value)}`).join(", ")})`,
        ]),
    ...(contextHeaders.length === 0 ? [] : [`CONTEXT_HEADERS = (${contextHeaders.join(", ")})`]),
    ...(batchRowsMax === null ? [] : [`MAX_BATCH_ROWS = ${batchRowsMax}`]),
    `COMPRESSION = ${external.compression}`,
    `AS ${quote(external.url)};`,
  ];
  return lines.join("\n");
}

/** The key of an integration is shown to nobody. */
export function writeIntegration(integration: ApiIntegrationEntry): string {
  const { allowedPrefixes, blockedPrefixes } = integration;
  const list = (urls: readonly string[]): string => `(${urls.map(quote).join(", ")})`;
  const lines = [
    `CREATE OR REPLACE API INTEGRATION ${fullName(integration.path)}`,
    `API_PROVIDER = ${integration.provider}`,
    `API_AWS_ROLE_ARN = ${quote(integration.roleArn)}`,
    `API_ALLOWED_PREFIXES = ${list(allowedPrefixes)}`,
    ...(blockedPrefixes.length === 0 ? [] : [`API_BLOCKED_PREFIXES = ${list(blockedPrefixes)}`]),
    `ENABLED = ${integration.isEnabled ? "TRUE" : "FALSE"}`,
    ...writeComment(integration.comment),
  ];
  return `${lines.join("\n")};`;
}

function writeArguments(routine: RoutineEntry): string {
  return routine.arguments
    .map(({ name, type, default: value }) =>
      [fullName([name]), writeType(type), ...(value === null ? [] : [`DEFAULT ${value}`])].join(
        " ",
      ),
    )
    .join(", ");
}

function writeReturns({ returns }: RoutineEntry): string {
  return `RETURNS ${writeType(returns.type)}${returns.nullable ? "" : " NOT NULL"}`;
}

function writeComment(comment: string): string[] {
  return comment === "" ? [] : [`COMMENT = ${quote(comment)}`];
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
