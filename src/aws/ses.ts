import type { MailTransport } from "../notify/email.ts";
import { ReportError } from "../report/errors.ts";
import { AWS_NETWORK, type AwsCall, callAws } from "./failure.ts";

/** SES shows it in its events; at most 256 characters of letters, digits, "_" and "-". Source: API reference, MessageTag. */
const TAG_NAME = "delivery_id";

/** As encoded, with everything around it. Source: docs.aws.amazon.com/ses/latest/dg/quotas.html ("10 MB", API v1). */
const MAIL_BYTES_MAX = 10_485_760;

/** Of the 24 hours that the daily quota looks back; all attempts of a delivery together outlast it. */
const QUOTA_WAIT_MS = 4 * 3_600_000;

/** Sends finished mails through SES (`SendRawEmail`), each tagged with its delivery. */
export async function openSesTransport(): Promise<MailTransport & AsyncDisposable> {
  const { SendRawEmailCommand, SESClient } = await import("@aws-sdk/client-ses");
  const client = new SESClient(AWS_NETWORK);
  return {
    async send({ from, to, raw, deliveryId }) {
      refuseTooLarge(raw.byteLength);
      const command = new SendRawEmailCommand({
        Source: from,
        Destinations: [to],
        RawMessage: { Data: raw },
        Tags: [{ Name: TAG_NAME, Value: deliveryId }],
      });
      const { MessageId } = await callAws(callOn(from, to), () => client.send(command));
      if (MessageId === undefined) throw new ReportError("delivery_failed", "SES gave no id");
      return MessageId;
    },
    // SES cannot be asked for a message by its tag.
    find: () => Promise.resolve(undefined),
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}

function refuseTooLarge(sizeBytes: number): void {
  if (sizeBytes <= MAIL_BYTES_MAX) return;
  const size = (sizeBytes / 1_048_576).toFixed(1);
  throw new ReportError(
    "delivery_failed",
    `the mail has ${size} MB as encoded, and SES takes 10 MB; lower ATTACHMENT_BYTES_MAX, so that files come as links`,
    { retryable: false },
  );
}

function callOn(from: string, to: string): AwsCall {
  return {
    action: "ses:SendRawEmail",
    on: `the sender ${from}`,
    code: "delivery_failed",
    advice: {
      // SES may ask for it on more than the sender: in the sandbox also on a recipient that is an identity of the account.
      AccessDenied: "this role may not; allow ses:SendRawEmail on the identity that SES names",
      MessageRejected: `SES rejects the mail to ${to}; verify the sender in this region, and while the account is in the SES sandbox the recipient too`,
      MailFromDomainNotVerified: "verify the MAIL FROM domain of the sender in SES",
      MailFromDomainNotVerifiedException: "verify the MAIL FROM domain of the sender in SES",
      AccountSendingPausedException: {
        advice: "SES has paused sending for this account; it is tried again for a day",
        retryAfterMs: QUOTA_WAIT_MS,
      },
      // Source: docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
      "Daily message quota exceeded": {
        advice: "the daily quota of SES is used up; it is tried again for a day",
        retryAfterMs: QUOTA_WAIT_MS,
      },
      InvalidParameterValue: `SES does not take the mail to ${to} as it is`,
    },
  };
}
