import type { SNSClient } from "@aws-sdk/client-sns";
import { ReportError } from "../report/errors.ts";
import type { Message } from "../report/message.ts";
import type { Sender } from "../worker/ports.ts";
import { AWS_NETWORK, type AwsCall, callAws } from "./failure.ts";

/** A subject has fewer than 100 characters, ASCII only, and no line break. Source: API reference of SNS, Publish. */
const SUBJECT_MAX = 99;
/** 256 KiB is the limit; a notice is never near it. */
const BODY_MAX = 8_000;

/**
 * Publishes a notice with links to a topic, in the region that the topic's ARN names. A FIFO topic gets the delivery as
 * deduplication id.
 */
export async function openSnsSender(): Promise<Sender & AsyncDisposable> {
  const { PublishCommand, SNSClient } = await import("@aws-sdk/client-sns");
  const clients = new Map<string, SNSClient>();
  const clientOf = (topic: string): SNSClient => {
    const region = topic.split(":")[3] ?? "";
    const client = clients.get(region) ?? new SNSClient({ ...AWS_NETWORK, region });
    clients.set(region, client);
    return client;
  };
  return {
    async send({ target, deliveryId }, message) {
      const isFifo = target.endsWith(".fifo");
      const command = new PublishCommand({
        TopicArn: target,
        Subject: subjectOf(message),
        Message: bodyOf(message),
        MessageAttributes: { delivery_id: { DataType: "String", StringValue: deliveryId } },
        ...(isFifo ? { MessageGroupId: "reports", MessageDeduplicationId: deliveryId } : {}),
      });
      const { MessageId } = await callAws(callOn(target), () => clientOf(target).send(command));
      if (MessageId === undefined) throw new ReportError("delivery_failed", "SNS gave no id");
      return MessageId;
    },
    // A topic cannot be asked what it was told.
    find: () => Promise.resolve(undefined),
    async [Symbol.asyncDispose]() {
      for (const client of clients.values()) client.destroy();
    },
  };
}

/** It has to begin with a letter, a digit or punctuation, so a name of other letters alone is none. */
function subjectOf({ subject }: Message): string {
  const ascii = subject
    .normalize("NFKD")
    .replace(/[^\x20-\x7e]+/g, "")
    .replace(/ +/g, " ")
    .trim();
  return ascii.slice(0, SUBJECT_MAX).trim() || "Report";
}

function bodyOf({ text }: Message): string {
  return text.length <= BODY_MAX ? text : `${text.slice(0, BODY_MAX).toWellFormed()}\n…`;
}

function callOn(topic: string): AwsCall {
  return {
    action: "sns:Publish",
    on: `the topic ${topic}`,
    code: "delivery_failed",
    advice: {
      NotFoundException: "there is no such topic; correct SNS_TOPIC_ARN",
      InvalidParameterException: "SNS does not take it; correct SNS_TOPIC_ARN",
    },
  };
}
