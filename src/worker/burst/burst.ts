import type { Published } from "../../report/burst.ts";
import { describeBurst, planSources } from "../../report/burst-plan.ts";
import { ReportError } from "../../report/errors.ts";
import { formatCount } from "../../report/message.ts";
import type { BurstOptions } from "../../report/options.ts";
import { type Outcome, retryDelayMs } from "../../report/outcome.ts";
import type { Parameters } from "../../report/parameter-values.ts";
import type { Report } from "../../report/request.ts";
import type { Run } from "../run.ts";
import { findAudience } from "./recipients.ts";
import { makeEach, makeSplit } from "./sources.ts";
import { countRecipients, startTally, type Tally } from "./tally.ts";

/**
 * A report that goes to each recipient with their own rows only. Whatever fails for one stops nobody else; those who can
 * succeed later are left to the next attempt, and those who have theirs are left out of it. Throws what ends the run.
 */
export async function executeBurst(
  run: Run,
  report: Report,
  burst: BurstOptions,
  parameters: Parameters,
): Promise<Outcome> {
  const audience = await findAudience(run, report, burst, parameters);
  const tally = startTally(audience);
  const { splitBy } = burst;
  const sources = planSources(audience.recipients, report, splitBy !== undefined);
  if (sources.length > 0) {
    await (splitBy === undefined
      ? makeEach(run, report, sources, parameters, tally)
      : makeSplit(run, report, splitBy, sources, parameters, tally));
  }
  run.facts.warnings = [...run.facts.warnings, ...tally.warnings];
  return decideOutcome(run, tally);
}

function decideOutcome(run: Run, tally: Tally): Outcome {
  const { artifacts, done, failed } = tally;
  if (done.length === 0 && failed.length === 0) return skip(run, tally);
  const retryable = failed.find(({ error }) => error.retryable)?.error;
  const mayRetry = retryable !== undefined && run.claim.attempt < run.claim.maxAttempts;
  // The reason to come back is told, and not one that will be the same then.
  if (done.length === 0 && mayRetry) throw retryable;
  refuseAllAlike(tally);
  addReason(run, describeBurst(countRecipients(tally)));
  const published: Published = { artifacts, burst: { done, failed } };
  if (!mayRetry) return { kind: "completed", ...published };
  const delayMs = retryDelayMs(run.claim.attempt, run.ports.clock.random());
  return { kind: "retry", error: retryable, delayMs, published };
}

/** What fails everybody in the same way is a failure of the report. */
function refuseAllAlike({ done, failed, unmet, audience }: Tally): void {
  const [first] = failed;
  if (first === undefined || done.length + unmet > 0) return;
  const { error, key, email } = first;
  if (failed.some((other) => other.error.code !== error.code)) return;
  const all = audience.served === 0 ? "all" : "all of the remaining";
  const isOneReason = failed.every((other) => other.error.message === error.message);
  const whose = isOneReason ? "" : `the first of them, ${key} (${email}): `;
  throw new ReportError(
    error.code,
    `${all} ${formatCount(failed.length)} recipients failed: ${whose}${error.message}`,
    { cause: error, warehouse: error.warehouse, retryable: false },
  );
}

function skip(run: Run, tally: Tally): Outcome {
  const { total, served } = tally.audience;
  if (total === 0) run.facts.reason = "OPTIONS.burst.sql gives no recipient";
  else if (served === total) run.facts.reason = "every recipient has it";
  else addReason(run, describeBurst(countRecipients(tally)));
  return { kind: "skipped" };
}

/** Beside what is known of the run already, such as that it is late. */
function addReason({ facts }: Run, reason: string | null): void {
  if (reason === null) return;
  facts.reason = facts.reason === null ? reason : `${facts.reason}; ${reason}`;
}
