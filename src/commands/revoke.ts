import { defineCommand } from "citty";
import { systemClock } from "../app.ts";
import { openLinkRevocation } from "../aws/link-revocation.ts";
import { placeOf } from "../aws/s3-store.ts";
import { ReportError } from "../report/errors.ts";
import { formatCount } from "../report/message.ts";
import { findRunFiles } from "../snowflake/audited-runs.ts";
import { withControl } from "./control.ts";
import { print } from "./output.ts";

/** A burst may have thousands of files. */
const CALLS_AT_ONCE = 16;

export const revoke = defineCommand({
  meta: { name: "revoke", description: "Take the links to a run's files back, for good" },
  args: {
    id: { type: "positional", required: true, description: "RUN_ID, or the beginning of it" },
  },
  run: async ({ args }) => {
    const { files, isEmulated } = await withControl(async ({ connection, config }) => ({
      files: await findRunFiles(connection, args.id),
      isEmulated: config.cloud.isEmulated,
    }));
    const { runId, reportName, uris } = files;
    const stored = uris.filter((uri) => uri.startsWith("s3:"));
    const staged = uris.filter((uri) => uri.startsWith("snowflake:"));
    const signed = `${countFiles(staged)} written by Snowflake, which signs the links itself: they end within 7 days`;
    if (stored.length === 0) {
      const reason = staged.length === 0 ? "" : `; it has ${signed}`;
      throw new ReportError(
        "invalid_report",
        `run ${runId} of ${reportName} has no file in the bucket, so there is no link to take back${reason}`,
      );
    }
    await revokeAll(stored, isEmulated);
    print(`${reportName}, run ${runId}: the links to ${countFiles(stored)} are taken back`);
    if (staged.length > 0) print(`! not those to ${signed}`);
  },
});

async function revokeAll(uris: readonly string[], isEmulated: boolean): Promise<void> {
  await using revocation = await openLinkRevocation(isEmulated);
  const now = systemClock.now();
  const left = uris.values();
  const lanes = Array.from({ length: CALLS_AT_ONCE }, async () => {
    for (const uri of left) await revocation.revoke(placeOf(uri), now);
  });
  await Promise.all(lanes);
}

function countFiles({ length }: readonly string[]): string {
  return `${formatCount(length)} ${length === 1 ? "file" : "files"}`;
}
