import { z } from "zod";
import { refuse, splitList } from "./row-text.ts";

/** Who gets the files. */
export interface Recipients {
  readonly emails: readonly string[];
  readonly snsTopicArn: string | null;
  readonly slackWebhook: string | null;
}

const EMAILS_MAX = 50;

export function parseEmails(text: string | null): string[] {
  const addresses = splitList(text ?? "");
  if (addresses.length > EMAILS_MAX) {
    refuse(
      "EMAIL_RECIPIENTS",
      `has ${addresses.length} addresses; at most ${EMAILS_MAX} are allowed`,
    );
  }
  return [...new Set(addresses.map((address) => parseEmail("EMAIL_RECIPIENTS", address)))];
}

export function parseOwner(text: string | null): string | null {
  const address = text?.trim() ?? "";
  return address === "" ? null : parseEmail("OWNER_EMAIL", address);
}

export function isEmail(text: string): boolean {
  return z.email().safeParse(text).success;
}

function parseEmail(column: string, address: string): string {
  return isEmail(address) ? address : refuse(column, `"${address}" is not an e-mail address`);
}

export function parseTopic(text: string | null): string | null {
  const arn = text?.trim() ?? "";
  if (arn === "") return null;
  return /^arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/.test(arn)
    ? arn
    : refuse("SNS_TOPIC_ARN", `"${arn}" is not the ARN of an SNS topic`);
}

export function parseWebhookName(text: string | null): string | null {
  const name = text?.trim() ?? "";
  if (name === "") return null;
  return /^[A-Za-z0-9_-]{1,100}$/.test(name)
    ? name
    : refuse("SLACK_WEBHOOK", "must be the name of a configured webhook, not its URL");
}
