import { expect, test } from "bun:test";
import { openNoticeSender } from "../../src/local/notice.ts";
import { writeResultMessage } from "../../src/report/message.ts";
import { claimTo, messageOf } from "../notify/mail-fixtures.ts";

const ARTIFACT = {
  format: "PDF",
  fileName: "sales.pdf",
  mediaType: "application/pdf",
  uri: "file:///work/out/sales.pdf",
  sizeBytes: 12_345,
  rowCount: 4,
  sha256: "00",
} as const;

test("a notice shows channel, target, subject and every link", async () => {
  const lines: string[] = [];
  const run = {
    runId: "run-1",
    configId: "sales",
    reportName: "Sales",
    rowCount: 4,
    queryId: null,
    scheduledFor: null,
    startedAt: new Date(0),
    finishedAt: new Date(1_500),
    errorCode: null,
    errorMessage: null,
    warnings: [],
  };
  const link = { artifact: ARTIFACT, url: ARTIFACT.uri, reason: "chat takes no files" };
  const message = writeResultMessage(run, [ARTIFACT], [], [link]);
  const sender = openNoticeSender("SLACK", (line) => lines.push(line));
  expect(await sender.send(claimTo("sales-channel"), message)).toBe("console");
  expect(lines).toEqual([
    "SLACK to sales-channel: Sales (4 rows)",
    "  sales.pdf, 12.3 kB: file:///work/out/sales.pdf",
  ]);
});

test("a message without a link is one line", async () => {
  const lines: string[] = [];
  const topic = "arn:aws:sns:eu-central-1:123456789012:reports";
  await openNoticeSender("SNS", (line) => lines.push(line)).send(claimTo(topic), messageOf());
  expect(lines).toEqual([`SNS to ${topic}: Pricing summary (4 rows)`]);
});

test("a subject cannot steer the terminal or fake a second line", async () => {
  const lines: string[] = [];
  const message = messageOf({
    subject: "a\u001b[2Jb\r\nc\u009b31m",
    text: "x: https://e.example/\u0007",
  });
  await openNoticeSender("SLACK", (line) => lines.push(line)).send(claimTo("sales"), message);
  expect(lines).toEqual(["SLACK to sales: a [2Jb c 31m", "  x: https://e.example/ "]);
});

test("nobody can tell whether a notice was seen", async () => {
  expect(await openNoticeSender("SNS", () => {}).find("id")).toBeUndefined();
});
