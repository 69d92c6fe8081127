import {
  describeRun,
  formatCount,
  layOutMessage,
  type Message,
  type MessageFacts,
  oneLine,
  type Section,
} from "./message.ts";
import { shortenText } from "./short-text.ts";

/** A recipient of a burst who got nothing, and why. */
export interface FailedDelivery {
  readonly key: string;
  readonly email: string;
  readonly error: string;
}

export interface SummaryFacts extends MessageFacts {
  /** That it is late, and what became of the recipients when not all got theirs; null: neither. */
  readonly reason: string | null;
  /** Deliveries of the run that carry files. */
  readonly recipientsDone: number;
  /** Empty for whoever is not to know the recipients' names. */
  readonly failed: readonly FailedDelivery[];
}

const FAILED_TOLD_MAX = 50;
const SUBJECT_LENGTH_MAX = 120;

/** What a burst tells its owner, and without names the topic and the webhook. */
export function writeSummaryMessage(facts: SummaryFacts): Message {
  const summary = facts.reason ?? describeDone(facts.recipientsDone);
  const subject = `${oneLine(facts.reportName)} (${summary})`;
  const shown = shortenText(subject, SUBJECT_LENGTH_MAX);
  return layOutMessage(shown, facts.reportName, describeSections(facts, summary));
}

function describeDone(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "recipient" : "recipients"}, each with their own rows`;
}

function describeSections(facts: SummaryFacts, summary: string): Section[] {
  const { failed } = facts;
  const told = failed
    .slice(0, FAILED_TOLD_MAX)
    .map(({ key, email, error }) => `${key}, ${email}: ${error}`);
  if (failed.length > told.length)
    told.push(`and ${formatCount(failed.length - told.length)} more`);
  const todo = `Correct what is wrong, then: report-service retry ${facts.configId}. Whoever has theirs is left out.`;
  return [
    { heading: "Recipients", lines: [summary] },
    { heading: "Failed", lines: told },
    { heading: "What to do", lines: told.length === 0 ? [] : [todo] },
    { heading: "Notes", lines: facts.warnings.map(({ message }) => message) },
    { heading: "Figures", lines: describeRun(facts) },
  ];
}
