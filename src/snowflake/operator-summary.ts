import { ReportError } from "../report/errors.ts";
import { splitStatements } from "../report/script.ts";
import type { Connection } from "./connection.ts";
import { isMissing } from "./object-states.ts";
import { textOf } from "./rows.ts";
import type { ObjectChange } from "./script-run.ts";
import { DEFAULT_NAMES, renderScript, type Script, type ScriptNames } from "./scripts.ts";

/** CONFIG_ID of the daily summary for whoever operates the service; a report like any other. */
const SUMMARY_ID = "operator-summary";

/** The summary's row, as far as setting up speaks of it. */
export interface OperatorSummary {
  readonly status: string;
  readonly recipients: string;
}

/**
 * The script that makes the summary, to `address`, where there is none yet. Throws ReportError `configuration` for an
 * address with a backslash, which would reach out of its string.
 */
export function renderOperatorSummary(
  template: Script,
  address: string,
  names: ScriptNames,
): Script {
  if (address.includes("\\")) {
    throw new ReportError(
      "configuration",
      `OPERATOR_EMAIL: ${JSON.stringify(address)} is no address`,
    );
  }
  const quoted = address.replaceAll("'", "''");
  // Behind the names, so that none of them is found in the address.
  const text = renderScript(template.text, names).replaceAll("{{OPERATOR_EMAIL}}", () => quoted);
  return { name: template.name, text };
}

/** Null: there is none, or no table yet, or not even the database, so that the session has none. */
export async function readOperatorSummary(
  connection: Connection,
  names: ScriptNames,
): Promise<OperatorSummary | null> {
  const { database, schema } = { ...DEFAULT_NAMES, ...names };
  try {
    const { rows } = await connection.execute(
      `SELECT STATUS, COALESCE(EMAIL_RECIPIENTS, '') AS RECIPIENTS FROM ${database}.${schema}.REPORT_CONFIG
       WHERE CONFIG_ID = ?`,
      [SUMMARY_ID],
    );
    const [row] = rows;
    if (row === undefined) return null;
    return { status: textOf(row, "STATUS"), recipients: textOf(row, "RECIPIENTS") };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** What `script` did about the row, given what was there before. */
export function changeOfSummary(before: OperatorSummary | null, script: Script): ObjectChange {
  const merge = splitStatements(script.text).find(({ text }) => text.startsWith("MERGE"));
  if (merge === undefined) throw new Error(`${script.name} makes no report`);
  return {
    kind: "REPORT",
    name: SUMMARY_ID,
    signature: null,
    status: before === null ? "created" : "unchanged",
    script: script.name,
    line: merge.line,
  };
}

/** What is not as the setting would have it, and stays so. */
export function describeKept({ status, recipients }: OperatorSummary, address: string): string[] {
  const findings: string[] = [];
  if (status === "CANCELLED") {
    findings.push(
      `the daily summary is cancelled and stays so; report-service retry ${SUMMARY_ID} brings it back`,
    );
  }
  if (recipients.trim().toLowerCase() !== address.toLowerCase()) {
    findings.push(
      `the daily summary goes to ${recipients || "nobody"} and not to ${address}; EMAIL_RECIPIENTS of ${SUMMARY_ID} says to whom`,
    );
  }
  return findings;
}
