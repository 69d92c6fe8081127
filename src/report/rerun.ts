import { createHash } from "node:crypto";
import { messageOf, ReportError } from "./errors.ts";
import { usedNames } from "./parameters.ts";
import type { ReportRow } from "./request.ts";

/** A run as the audit keeps it. */
export interface AuditedRun {
  readonly runId: string;
  /** Null: it ran before hashes were kept. */
  readonly sqlSha256: string | null;
  /** JSON in the form of PARAMETERS, without secrets; null: nothing was ever bound. */
  readonly parameters: string | null;
  readonly dataAsOf: Date | null;
}

export interface RerunChoices {
  /** On the data as of then. */
  readonly isAsOfThen: boolean;
  /** To the report's recipients, instead of to nobody. */
  readonly isSent: boolean;
  /** Go on although REPORT_SQL is another one now. */
  readonly isChangeAccepted: boolean;
}

/**
 * The columns of a new ADHOC report that does a run again: the SQL, formats and options of its row, the values that
 * were bound then, and the secrets that the row gives now. The conditions of readyWhen and sendWhen are left out, since
 * a rerun is asked for by somebody who wants the files. A burst goes to its present recipients, or is refused. Throws
 * ReportError `invalid_report` when it is refused, and when what was run cannot be told.
 */
export function planRerun(
  run: AuditedRun,
  row: ReportRow,
  choices: RerunChoices,
): Record<string, string> {
  if (!choices.isChangeAccepted) refuseChangedSql(run, row);
  const burst = burstOf(row);
  if (burst !== null && !choices.isSent) {
    refuse(
      "it is a burst, whose files are made for its recipients only; --send makes and sends them",
    );
  }
  const columns: Record<string, string | null> = {
    REPORT_NAME: row.reportName,
    REPORT_TYPE: "ADHOC",
    REPORT_SQL: row.reportSql,
    PARAMETERS: JSON.stringify(chooseParameters(run, row, [row.reportSql, burst ?? ""])),
    OUTPUT_FORMAT: row.outputFormat,
    OPTIONS: dropConditions(row.options),
    TIMEZONE: row.timezone,
    OWNER_EMAIL: row.ownerEmail,
    RERUN_OF: run.runId,
    AS_OF: choices.isAsOfThen ? timeOfData(run) : null,
    ...(choices.isSent ? recipientsOf(row) : {}),
  };
  const given = Object.entries(columns).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return Object.fromEntries(given);
}

function recipientsOf(row: ReportRow): Record<string, string | null> {
  return {
    EMAIL_RECIPIENTS: row.emailRecipients,
    SNS_TOPIC_ARN: row.snsTopicArn,
    SLACK_WEBHOOK: row.slackWebhook,
  };
}

function refuseChangedSql(run: AuditedRun, row: ReportRow): void {
  const present = createHash("sha256").update(row.reportSql).digest("hex");
  if (run.sqlSha256 === present) return;
  const reason =
    run.sqlSha256 === null
      ? `what SQL run ${run.runId} ran is not known`
      : `REPORT_SQL is not what run ${run.runId} ran: its SHA-256 was ${run.sqlSha256.slice(0, 12)} and is ${present.slice(0, 12)}`;
  refuse(`${reason}; --changed runs the present one`);
}

function timeOfData(run: AuditedRun): string {
  if (run.dataAsOf === null) refuse(`run ${run.runId} read no data, so there is no time to go to`);
  return run.dataAsOf.toISOString().slice(0, -1);
}

/** A value of then wins over one of now; secrets are only known now. */
function chooseParameters(
  run: AuditedRun,
  row: ReportRow,
  statements: readonly string[],
): Record<string, unknown> {
  if (run.parameters === null) refuse(`run ${run.runId} bound nothing, so it cannot be done again`);
  const then = readObject("the audit's PARAMETERS", run.parameters);
  const now = readObject("PARAMETERS", row.parameters);
  const names = new Set(statements.flatMap((sql) => [...usedNames(sql)]));
  const chosen = [...names].flatMap((name) => {
    const source = [then, now].find((values) => Object.hasOwn(values, name));
    return source === undefined ? [] : [[name, source[name]] as const];
  });
  return Object.fromEntries(chosen);
}

function dropConditions(options: string | null): string | null {
  if (options === null || options.trim() === "") return null;
  const { sendWhen: _send, readyWhen: _ready, ...rest } = readObject("OPTIONS", options);
  return JSON.stringify(rest);
}

/** The SQL of its recipients; null: it is no burst. */
function burstOf({ options }: ReportRow): string | null {
  const { burst } = readObject("OPTIONS", options);
  if (typeof burst !== "object" || burst === null || !("sql" in burst)) return null;
  return typeof burst.sql === "string" ? burst.sql : null;
}

function readObject(name: string, text: string | null): Readonly<Record<string, unknown>> {
  if (text === null || text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return { ...value };
  } catch (error) {
    refuse(`${name}: is not JSON: ${messageOf(error)}`);
  }
  return refuse(`${name}: is no JSON object`);
}

function refuse(reason: string): never {
  throw new ReportError("invalid_report", reason);
}
