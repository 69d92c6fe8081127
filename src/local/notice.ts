import type { Message } from "../report/message.ts";
import type { Sender } from "../worker/ports.ts";

/**
 * Shows a message on the console instead of sending it: whom it is for, its subject, and every line of it that has a
 * link. One call of `print` is one line.
 */
export function openNoticeSender(channel: "SNS" | "SLACK", print: (line: string) => void): Sender {
  return {
    send({ target }, message) {
      for (const line of describeNotice(channel, target, message)) print(makePrintable(line));
      return Promise.resolve("console");
    },
    // What was printed is nowhere to be looked up.
    find: () => Promise.resolve(undefined),
  };
}

function describeNotice(channel: "SNS" | "SLACK", target: string, message: Message): string[] {
  const links = message.text
    .split("\n")
    .filter((line) => LINK.test(line))
    .map((line) => `  ${line.trim()}`);
  return [`${channel} to ${target}: ${message.subject}`, ...links];
}

const LINK = /\b(?:https?|file|s3):\/\//;

/** A report's name must not steer the terminal. */
function makePrintable(line: string): string {
  return line.replace(/\p{Cc}+/gu, " ");
}
