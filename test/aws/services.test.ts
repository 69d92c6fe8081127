import { SESClient, VerifyEmailIdentityCommand } from "@aws-sdk/client-ses";
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import PostalMime from "postal-mime";
import { openSecret } from "../../src/aws/secrets.ts";
import { openSesTransport } from "../../src/aws/ses.ts";
import { openSnsSender } from "../../src/aws/sns.ts";
import { openEmailSender } from "../../src/notify/email.ts";
import type { Message } from "../../src/report/message.ts";
import { mergeSecret } from "../../src/snowflake/access.ts";
import { claimTo, DELIVERY_ID, messageOf } from "../notify/mail-fixtures.ts";
import { lackingMoto, type Moto, startMoto, useAws } from "../support/moto.ts";
import { standBetween } from "./between.ts";

setDefaultTimeout(60_000);
const FROM = "reports@example.com";
const TO = "anna@example.com";

/** The error of a step that has to fail. */
async function problemOf(step: () => Promise<unknown>): Promise<unknown> {
  return await step().then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );
}

describe.skipIf(lackingMoto !== "")(`the services of AWS${lackingMoto}`, () => {
  const opened = new AsyncDisposableStack();
  let moto: Moto;

  beforeAll(async () => {
    moto = opened.use(await startMoto());
    opened.use(useAws(moto.url));
    const client = new SESClient();
    await client.send(new VerifyEmailIdentityCommand({ EmailAddress: FROM }));
  });
  afterAll(async () => await opened.disposeAsync());

  async function sendMail(message: Message, from = `Reports <${FROM}>`): Promise<string> {
    await using transport = await openSesTransport();
    const sender = openEmailSender({ from, recipientDomains: [], transport });
    return await sender.send(claimTo(TO), message);
  }

  async function publish(target: string, message = messageOf()): Promise<string> {
    await using sender = await openSnsSender();
    return await sender.send(claimTo(target, { channel: "SNS" }), message);
  }

  describe("mail", () => {
    test("arrives as it was written, bodies and files", async () => {
      const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);
      const file = { fileName: "Umsätze.pdf", mediaType: "application/pdf", bytes };
      const providerId = await sendMail(
        messageOf({ subject: "Umsätze (4 rows)", attachments: [file] }),
      );
      const sent = (await moto.models("ses", "RawMessage")).find(({ id }) => id === providerId);
      expect(sent).toMatchObject({ source: FROM, destinations: expect.arrayContaining([TO]) });
      const mail = await PostalMime.parse(String(sent?.["raw_data"]));
      expect(mail.subject).toBe("Umsätze (4 rows)");
      expect(mail.from).toEqual({ name: "Reports", address: FROM });
      expect(mail.text).toContain("summary.pdf, attached");
      expect(mail.html).toContain("<h1>Pricing summary</h1>");
      expect(mail.attachments).toHaveLength(1);
      expect(mail.attachments[0]?.filename).toBe("Umsätze.pdf");
      expect(new Uint8Array(mail.attachments[0]?.content as ArrayBuffer)).toEqual(bytes);
    });

    test("carries the delivery as a tag that SES events show", async () => {
      const bodies: string[] = [];
      await using _between = await standBetween(moto.url, ({ body }) => {
        bodies.push(body.toString());
        return "pass";
      });
      await sendMail(messageOf());
      const call = new URLSearchParams(bodies[0]);
      expect(call.get("Action")).toBe("SendRawEmail");
      expect(call.get("Destinations.member.1")).toBe(TO);
      expect(call.get("Tags.member.1.Name")).toBe("delivery_id");
      expect(call.get("Tags.member.1.Value")).toBe(DELIVERY_ID);
    });

    test("from a sender that SES does not know is not tried again, and says what to verify", async () => {
      const problem = await problemOf(() => sendMail(messageOf(), "other@example.com"));
      expect(problem).toMatchObject({
        code: "delivery_failed",
        retryable: false,
        message: expect.stringMatching(
          /^ses:SendRawEmail on the sender other@example.com: SES rejects the mail to anna@example.com; verify the sender in this region, and while the account is in the SES sandbox the recipient too \(MessageRejected: .*other@example.com.*\)$/,
        ),
      });
    });

    test("beyond what SES takes is refused before it is sent, with the setting to change", async () => {
      const file = {
        fileName: "a.bin",
        mediaType: "application/octet-stream",
        bytes: new Uint8Array(8_000_000),
      };
      expect(await problemOf(() => sendMail(messageOf({ attachments: [file] })))).toMatchObject({
        code: "delivery_failed",
        retryable: false,
        message:
          "the mail has 10.4 MB as encoded, and SES takes 10 MB; lower ATTACHMENT_BYTES_MAX, so that files come as links",
      });
    });

    test("by a role that may not send names the permission", async () => {
      const problem = await moto.asNobody(() => problemOf(() => sendMail(messageOf())));
      expect(problem).toMatchObject({
        code: "delivery_failed",
        retryable: false,
        message: expect.stringContaining(
          `ses:SendRawEmail on the sender ${FROM}: this role may not; allow ses:SendRawEmail on the identity that SES names`,
        ),
      });
    });

    test("cannot be asked for afterwards", async () => {
      await using transport = await openSesTransport();
      expect(await transport.find(DELIVERY_ID)).toBeUndefined();
    });
  });

  describe("a secret", () => {
    const Name = "report-service/snowflake";
    const client = () => new SecretsManagerClient();

    test("is read once, and again when a login was refused and a minute is over", async () => {
      const first = { account: "a1", private_key: "one" };
      const second = { account: "a1", private_key: "two" };
      await client().send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(first) }));
      let nowMs = 0;
      const secret = openSecret(Name, { monotonicMs: () => nowMs });
      expect(await secret.read()).toEqual(first);
      await client().send(
        new PutSecretValueCommand({ SecretId: Name, SecretString: JSON.stringify(second) }),
      );
      nowMs = 59_000;
      expect(await secret.refresh()).toBe(false);
      expect(await secret.read()).toEqual(first);
      nowMs = 61_000;
      expect(await secret.refresh()).toBe(true);
      expect(await secret.read()).toEqual(second);
      nowMs = 200_000;
      expect(await secret.refresh()).toBe(false);
    });

    test("that could not be read is asked for again", async () => {
      const late = openSecret("late");
      expect(await problemOf(() => late.read())).toMatchObject({ code: "configuration" });
      await client().send(new CreateSecretCommand({ Name: "late", SecretString: "{}" }));
      expect(await late.read()).toEqual({});
    });

    test("without a field says which, and quotes nothing", async () => {
      await client().send(
        new CreateSecretCommand({
          Name: "incomplete",
          SecretString: '{"account":"a1","password":"canary"}',
        }),
      );
      const problem = await problemOf(async () =>
        mergeSecret({ SNOWFLAKE_OCSP: "off" }, "incomplete", await openSecret("incomplete").read()),
      );
      expect(problem).toMatchObject({
        code: "configuration",
        retryable: false,
        message: "secret incomplete: SNOWFLAKE_USER: is missing; a key pair and a password need it",
      });
    });
  });

  describe("a topic", () => {
    async function createTopic(name: string, region = "eu-central-1"): Promise<string> {
      const Attributes = name.endsWith(".fifo") ? { FifoTopic: "true" } : {};
      const client = new SNSClient({ region });
      return (await client.send(new CreateTopicCommand({ Name: name, Attributes }))).TopicArn ?? "";
    }

    async function published(arn: string): Promise<unknown> {
      const topic = (await moto.models("sns", "Topic")).find((one) => one["arn"] === arn);
      return topic?.["sent_notifications"];
    }

    test("is told the text, the subject in ASCII, and the delivery", async () => {
      const arn = await createTopic("reports");
      const id = await publish(arn, messageOf({ subject: "Umsätze – 报表 (4 rows)" }));
      expect(await published(arn)).toEqual([
        [
          id,
          messageOf().text,
          "Umsatze (4 rows)",
          { delivery_id: { Type: "String", Value: DELIVERY_ID } },
          null,
        ],
      ]);
    });

    test("that orders its messages gets the delivery as its deduplication id", async () => {
      const arn = await createTopic("reports.fifo");
      await publish(arn);
      await publish(arn);
      expect(await published(arn)).toHaveLength(2);
    });

    test("in another region is found by its ARN", async () => {
      const arn = await createTopic("elsewhere", "us-west-2");
      expect(await publish(arn)).not.toBe("");
      expect(await published(arn)).toHaveLength(1);
    });

    test("has a subject of at most 99 characters and a text of at most 8,000", async () => {
      const arn = await createTopic("long");
      await publish(arn, messageOf({ subject: "x".repeat(150), text: "é".repeat(9_000) }));
      const [[, text, subject]] = (await published(arn)) as [[string, string, string]];
      expect(subject).toBe("x".repeat(99));
      expect(text).toBe(`${"é".repeat(8_000)}\n…`);
    });

    test("that is not there is named", async () => {
      const arn = "arn:aws:sns:eu-central-1:123456789012:nowhere";
      expect(await problemOf(() => publish(arn))).toMatchObject({
        code: "delivery_failed",
        retryable: false,
        message: expect.stringContaining(
          `sns:Publish on the topic ${arn}: there is no such topic; correct SNS_TOPIC_ARN`,
        ),
      });
    });

    test("that may not be published to names the permission", async () => {
      const arn = await createTopic("closed");
      const problem = await moto.asNobody(() => problemOf(() => publish(arn)));
      expect(problem).toMatchObject({
        retryable: false,
        message: expect.stringContaining(`allow sns:Publish on it`),
      });
    });
  });
});
