import type { Artifact } from "../../report/artifact.ts";
import {
  type FailedRecipient,
  RECIPIENT_FAILURE_CODES,
  type RecipientMark,
} from "../../report/burst.ts";
import type { BurstCounts } from "../../report/burst-plan.ts";
import type { ReportError } from "../../report/errors.ts";
import type { Report } from "../../report/request.ts";
import { withoutSecrets } from "../parameters.ts";
import type { RunWarning } from "../ports.ts";
import type { Run } from "../run.ts";
import type { Audience } from "./recipients.ts";

/** What has become of the recipients so far. */
export interface Tally {
  readonly audience: Audience;
  readonly done: RecipientMark[];
  readonly failed: FailedRecipient[];
  unmet: number;
  readonly artifacts: Artifact[];
  readonly warnings: RunWarning[];
  /** Statements of REPORT_SQL that were run. */
  queries: number;
  /** In a row. */
  storeFailures: number;
}

/** A store that fails this often in a row is down: trying it for thousands of recipients would take hours. */
const STORE_FAILURES_MAX = 5;

export function startTally(audience: Audience): Tally {
  return {
    audience,
    done: [],
    failed: [...audience.failed],
    unmet: 0,
    artifacts: [],
    warnings: [],
    queries: 0,
    storeFailures: 0,
  };
}

export function countRecipients({ audience, done, failed, unmet }: Tally): BurstCounts {
  const { total, served } = audience;
  return { total, served, done: done.length, failed: failed.length, unmet };
}

/** A run for some recipients: what it notes is its own, and its progress says whose turn it is. */
export function runFor(run: Run, { audience, ...tally }: Tally): Run {
  const failedHere = tally.failed.length - audience.failed.length;
  return {
    ...run,
    facts: { ...run.facts, queryId: null, rowCount: null, queryMs: 0, renderMs: 0, storeMs: 0 },
    recipient: {
      number: tally.done.length + failedHere + tally.unmet + 1,
      total: audience.recipients.length,
    },
  };
}

/** Everybody who shares what failed. Throws what is no failure of theirs: a stop, or the warehouse being gone. */
export function failRecipients(
  run: Run,
  tally: Tally,
  recipients: readonly RecipientMark[],
  thrown: unknown,
  report: Report,
): void {
  run.signal.throwIfAborted();
  const error = withoutSecrets(thrown, report);
  if (!isTheirs(error)) throw error;
  tally.storeFailures = error.code === "store_failed" ? tally.storeFailures + 1 : 0;
  tally.failed.push(...recipients.map(({ key, email }) => ({ key, email, error })));
}

/** Throws the latest failure of a store that is down, so that nothing more is made that cannot be stored. */
export function refuseOutage({ storeFailures, failed }: Tally): void {
  const latest = failed.at(-1);
  if (storeFailures >= STORE_FAILURES_MAX && latest !== undefined) throw latest.error;
}

function isTheirs({ code }: ReportError): boolean {
  return RECIPIENT_FAILURE_CODES.has(code);
}
