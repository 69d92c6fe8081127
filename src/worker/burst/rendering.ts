import { rm } from "node:fs/promises";
import { join } from "node:path";
import { safeName } from "../../report/artifact.ts";
import type { RecipientMark } from "../../report/burst.ts";
import { type BurstSource, type Rendering, reportOf } from "../../report/burst-plan.ts";
import type { Report } from "../../report/request.ts";
import { makeFiles, storeFiles } from "../artifacts.ts";
import { unmetByCount } from "../condition.ts";
import type { QueryResult } from "../ports.ts";
import type { Run } from "../run.ts";
import { failRecipients, refuseOutage, runFor, type Tally } from "./tally.ts";

/**
 * Makes and stores the files of recipients who are to get the same, in a folder of their own. A failure ends with them.
 */
export async function makeRendering(
  run: Run,
  report: Report,
  source: BurstSource,
  rendering: Rendering,
  result: QueryResult,
  tally: Tally,
): Promise<void> {
  const { recipients, fileName } = rendering;
  run.signal.throwIfAborted();
  if (unmetByCount(report.options.sendWhen, result.table.rowCount) !== null) {
    tally.unmet += recipients.length;
    return;
  }
  const own = runFor(run, tally);
  own.facts.rowCount = result.table.rowCount;
  const ownReport = reportOf(report, source, rendering);
  const folder = nameFolder(rendering, own.recipient?.number ?? 0);
  try {
    refuseOutage(tally);
    const files = await makeFiles(own, ownReport, result, { folder, fileName });
    const artifacts = await storeFiles(own, files);
    const warnings = own.facts.warnings.slice(run.facts.warnings.length);
    tally.storeFailures = 0;
    for (const mark of recipients) {
      tally.done.push({ key: mark.key, email: mark.email });
      tally.artifacts.push(...artifacts.map((artifact) => ({ ...artifact, ...ownerOf(mark) })));
      tally.warnings.push(...warnings.map((warning) => ({ ...warning, ...ownerOf(mark) })));
    }
  } catch (thrown) {
    failRecipients(run, tally, recipients, thrown, ownReport);
  } finally {
    addTimes(run, own);
    const { settings, claim } = run;
    await rm(join(settings.scratchFolder, claim.runId, folder), { recursive: true, force: true });
  }
}

function ownerOf({ key, email }: RecipientMark): { recipientKey: string; recipientEmail: string } {
  return { recipientKey: key, recipientEmail: email };
}

/** Names the key only where all who see the folder have that key. */
function nameFolder({ recipients }: Rendering, number: number): string {
  const keys = new Set(recipients.map(({ key }) => key));
  const [first] = keys;
  const place = String(number).padStart(5, "0");
  return keys.size === 1 && first !== undefined
    ? `${place}-${safeName(first, "recipient")}`
    : place;
}

function addTimes({ facts }: Run, own: Run): void {
  facts.renderMs = (facts.renderMs ?? 0) + (own.facts.renderMs ?? 0);
  facts.storeMs = (facts.storeMs ?? 0) + (own.facts.storeMs ?? 0);
}
