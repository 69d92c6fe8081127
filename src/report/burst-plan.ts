import type { Artifact, Format } from "./artifact.ts";
import { type FailedRecipient, identityOf, type Recipient } from "./burst.ts";
import { ReportError } from "./errors.ts";
import { formatCount } from "./message.ts";
import type { Parameters } from "./parameter-values.ts";
import { usedNames } from "./parameters.ts";
import type { Report } from "./request.ts";

/** Rows that recipients share: those of one parameter set, or those of one key. */
export interface BurstSource {
  /** Null: REPORT_SQL is run for these rows, with `parameters`. Otherwise the value of the split column. */
  readonly splitKey: string | null;
  /** Those of the recipients; they win over the report's own. */
  readonly parameters: Parameters;
  readonly renderings: readonly Rendering[];
}

/** Files that recipients share, because they are to get the same. */
export interface Rendering {
  readonly formats: readonly Format[];
  readonly fileName: string | null;
  readonly locale: string | null;
  readonly timezone: string | null;
  readonly recipients: readonly Recipient[];
}

/** Recipients by what is run and made for them: nothing is run or made twice. */
export function planSources(
  recipients: readonly Recipient[],
  report: Pick<Report, "formats">,
  isSplit: boolean,
): BurstSource[] {
  const sources = groupBy(recipients, (recipient) =>
    isSplit ? recipient.key : describeParameters(recipient.parameters),
  );
  return sources.map((alike) => {
    const [first] = alike;
    return {
      splitKey: isSplit ? first.key : null,
      parameters: first.parameters,
      renderings: planRenderings(alike, report.formats),
    };
  });
}

function planRenderings(
  recipients: readonly Recipient[],
  formatsOfReport: readonly Format[],
): Rendering[] {
  const formatsOf = ({ formats }: Recipient): readonly Format[] => formats ?? formatsOfReport;
  const groups = groupBy(recipients, (recipient) => {
    const { fileName, locale, timezone } = recipient;
    return JSON.stringify([formatsOf(recipient), fileName, locale, timezone]);
  });
  return groups.map((alike) => {
    const [first] = alike;
    const { fileName, locale, timezone } = first;
    return { formats: formatsOf(first), fileName, locale, timezone, recipients: alike };
  });
}

/** With everything that changes what is bound or shown, whatever its order. */
function describeParameters(parameters: Parameters): string {
  const sorted = Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(
    sorted.map(([name, { type, value, isSecret }]) => [name, type, value, isSecret]),
  );
}

function groupBy<T>(items: readonly T[], describe: (item: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const name = describe(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/** Those whose parameters are just what REPORT_SQL needs beside the report's own, and what is wrong with the others. */
export function checkRecipientParameters(
  recipients: readonly Recipient[],
  reportSql: string,
  given: Parameters,
): { recipients: Recipient[]; failed: FailedRecipient[] } {
  const used = usedNames(reportSql);
  const checked = { recipients: [] as Recipient[], failed: [] as FailedRecipient[] };
  for (const recipient of recipients) {
    const { key, email, parameters } = recipient;
    const names = Object.keys(parameters);
    const missing = [...used].filter(
      (name) => !Object.hasOwn(parameters, name) && !Object.hasOwn(given, name),
    );
    const superfluous = names.filter((name) => !used.has(name));
    const problems = [
      ...missing.map((name) => `has no value for :${name} of REPORT_SQL`),
      ...superfluous.map((name) => `has "${name}", which REPORT_SQL does not use`),
    ];
    if (problems.length === 0) checked.recipients.push(recipient);
    else checked.failed.push({ key, email, error: refuseParameters(problems) });
  }
  return checked;
}

function refuseParameters(problems: readonly string[]): ReportError {
  return new ReportError("recipient_refused", `PARAMETERS ${problems.join("; ")}`);
}

/** The report that a rendering is: the same as the row's, with what is its recipients' own. */
export function reportOf(report: Report, source: BurstSource, rendering: Rendering): Report {
  const { locale, timezone, formats } = rendering;
  return {
    ...report,
    formats,
    parameters: { ...report.parameters, ...source.parameters },
    recipients: {
      emails: rendering.recipients.map(({ email }) => email),
      snsTopicArn: null,
      slackWebhook: null,
    },
    options: {
      ...report.options,
      // What Snowflake would unload is the whole result, and not these rows of it.
      pushDown: "never",
      ...(locale === null ? {} : { locale }),
      ...(timezone === null ? {} : { timezone }),
    },
  };
}

/** Recipients by what became of them. */
export interface BurstCounts {
  /** Rows of the burst SQL. */
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** The condition of sendWhen is not met for them. */
  readonly unmet: number;
  /** They have a message of this occurrence, sent or on its way. */
  readonly served: number;
}

/** Such as "193 of 200 recipients; 7 failed". Null: everybody got theirs. */
export function describeBurst(counts: BurstCounts): string | null {
  const { total, done, failed, unmet, served } = counts;
  if (done === total) return null;
  const parts = [
    `${formatCount(done)} of ${formatCount(total)} recipients`,
    failed === 0 ? null : `${formatCount(failed)} failed`,
    unmet === 0 ? null : `the condition of sendWhen is not met for ${formatCount(unmet)}`,
    served === 0 ? null : `${formatCount(served)} had it already`,
  ];
  return parts.filter((part) => part !== null).join("; ");
}

/** Which recipient something belongs to, as identityOf says it; null: to the run. */
export function identityOfOwner({
  recipientKey,
  recipientEmail,
}: Pick<Artifact, "recipientKey" | "recipientEmail">): string | null {
  if (recipientKey === undefined || recipientEmail === undefined) return null;
  return identityOf({ key: recipientKey, email: recipientEmail });
}
