import { z } from "zod";
import { FORMATS } from "../report/artifact.ts";
import { identityOf, type RecipientMark } from "../report/burst.ts";
import type { FailedDelivery } from "../report/burst-message.ts";
import { identityOfOwner } from "../report/burst-plan.ts";
import type { SettledRun } from "../worker/ports.ts";
import type { BindValue, Connection } from "./connection.ts";
import { dateOf, dateOrNull, numberOf, numberOrNull, type ResultRow, textOf } from "./rows.ts";

const ofRecipient = {
  recipientKey: z.string().optional(),
  recipientEmail: z.string().optional(),
} as const;

/** What settling wrote into REPORT_RUN.ARTIFACTS and WARNINGS. */
const artifactSchema = z.object({
  format: z.enum(FORMATS),
  fileName: z.string(),
  mediaType: z.string(),
  uri: z.string(),
  sizeBytes: z.number(),
  rowCount: z.number(),
  sha256: z.string(),
  ...ofRecipient,
});
const warningSchema = z.object({
  format: z.enum(FORMATS).nullable(),
  code: z.string(),
  count: z.number(),
  message: z.string(),
  ...ofRecipient,
});

export async function readRun(connection: Connection, runId: string): Promise<SettledRun> {
  const row = await readRow(connection, runId);
  return {
    runId,
    configId: textOf(row, "CONFIG_ID"),
    reportName: textOf(row, "REPORT_NAME"),
    outcome: textOf(row, "OUTCOME"),
    reason: row["REASON"] ?? null,
    errorCode: row["ERROR_CODE"] ?? null,
    errorMessage: row["ERROR_MESSAGE"] ?? null,
    queryId: row["QUERY_ID"] ?? null,
    rowCount: numberOrNull(row, "ROW_COUNT"),
    scheduledFor: dateOrNull(row, "SCHEDULED_FOR_MS"),
    startedAt: dateOf(row, "STARTED_AT_MS"),
    finishedAt: dateOf(row, "FINISHED_AT_MS"),
    artifacts: z.array(artifactSchema).parse(JSON.parse(row["ARTIFACTS"] ?? "[]")),
    warnings: z.array(warningSchema).parse(JSON.parse(row["WARNINGS"] ?? "[]")),
  };
}

/** A run that was settled never changes, so that each of its messages needs not read all of its files again. */
export interface SettledRuns {
  run(runId: string): Promise<SettledRun>;
  /** With what is one recipient's, and the warnings about the run. */
  runOf(runId: string, recipient: RecipientMark): Promise<SettledRun>;
}

interface KeptRun {
  readonly run: SettledRun;
  readonly artifacts: ReadonlyMap<string | null, SettledRun["artifacts"]>;
  readonly warnings: ReadonlyMap<string | null, SettledRun["warnings"]>;
}

/** As many as lanes may be sending for at a time; that of a burst has some megabytes. */
const KEPT_MAX = 4;

export function openSettledRuns(connection: Connection): SettledRuns {
  const kept = new Map<string, KeptRun>();
  const keep = async (runId: string): Promise<KeptRun> => {
    const found = kept.get(runId) ?? groupByOwner(await readRun(connection, runId));
    kept.delete(runId);
    kept.set(runId, found);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
    return found;
  };
  return {
    run: async (runId) => (await keep(runId)).run,
    runOf: async (runId, recipient) => {
      const { run, artifacts, warnings } = await keep(runId);
      const identity = identityOf(recipient);
      return {
        ...run,
        artifacts: artifacts.get(identity) ?? [],
        warnings: [...(warnings.get(null) ?? []), ...(warnings.get(identity) ?? [])],
      };
    },
  };
}

function groupByOwner(run: SettledRun): KeptRun {
  return {
    run,
    artifacts: Map.groupBy(run.artifacts, identityOfOwner),
    warnings: Map.groupBy(run.warnings, identityOfOwner),
  };
}

async function readRow(connection: Connection, runId: string): Promise<ResultRow> {
  const { rows } = await connection.execute(
    `SELECT RUN_ID, CONFIG_ID, REPORT_NAME, OUTCOME, REASON, ERROR_CODE, ERROR_MESSAGE, QUERY_ID, ROW_COUNT, ARTIFACTS, WARNINGS,
       DATE_PART(epoch_millisecond, SCHEDULED_FOR) AS SCHEDULED_FOR_MS,
       DATE_PART(epoch_millisecond, STARTED_AT) AS STARTED_AT_MS,
       DATE_PART(epoch_millisecond, FINISHED_AT) AS FINISHED_AT_MS
     FROM REPORT_RUN WHERE RUN_ID = ?`,
    [runId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`run ${runId} is not in REPORT_RUN`);
  return row;
}

/** How many recipients of a burst did not fail, and who did. */
export async function readRecipients(
  connection: Connection,
  runId: string,
): Promise<{ done: number; failed: FailedDelivery[] }> {
  const done = await connection.execute(
    `SELECT COUNT(*) AS DONE FROM REPORT_DELIVERY WHERE RUN_ID = ? AND RECIPIENT_KEY IS NOT NULL AND STATE <> 'FAILED'`,
    [runId],
  );
  const failed = await connection.execute(
    `SELECT RECIPIENT_KEY, TARGET, ERROR FROM REPORT_DELIVERY
     WHERE RUN_ID = ? AND RECIPIENT_KEY IS NOT NULL AND STATE = 'FAILED'
     ORDER BY RECIPIENT_KEY, TARGET`,
    [runId],
  );
  return {
    done: numberOf(done.rows[0] ?? {}, "DONE"),
    failed: failed.rows.map((row) => ({
      key: textOf(row, "RECIPIENT_KEY"),
      email: textOf(row, "TARGET"),
      error: row["ERROR"] ?? "",
    })),
  };
}

/** Whom a burst needs not serve again: of the runs for an occurrence from `since` on, or of all runs. */
export async function readServedRecipients(
  connection: Connection,
  configId: string,
  since: string | null,
): Promise<RecipientMark[]> {
  const binds: BindValue[] = since === null ? [configId] : [configId, since];
  const { rows } = await connection.execute(
    `SELECT DISTINCT D.RECIPIENT_KEY, D.TARGET
     FROM REPORT_DELIVERY D JOIN REPORT_RUN R ON R.RUN_ID = D.RUN_ID
     WHERE D.CONFIG_ID = ? AND D.RECIPIENT_KEY IS NOT NULL AND D.STATE IN ('NEW', 'SENDING', 'SENT', 'UNKNOWN')
       ${since === null ? "" : "AND R.SCHEDULED_FOR >= ?::TIMESTAMP_NTZ"}`,
    binds,
  );
  return rows.map((row) => ({ key: textOf(row, "RECIPIENT_KEY"), email: textOf(row, "TARGET") }));
}
