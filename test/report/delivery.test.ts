import { describe, expect, test } from "bun:test";
import {
  CHANNELS,
  planBurstDeliveries,
  planFailureDeliveries,
  planRecipientDeliveries,
  planResultDeliveries,
  resendsUnknown,
} from "../../src/report/delivery.ts";
import { anError } from "../support/factories.ts";

const TOPIC = "arn:aws:sns:eu-central-1:123456789012:reports";
const EVERYBODY = {
  emails: ["a@example.com", "b@example.com"],
  snsTopicArn: TOPIC,
  slackWebhook: "finance",
};

describe("the messages of a completed run", () => {
  test("there is one for each target", () => {
    const planned = planResultDeliveries("run-1", EVERYBODY);
    expect(planned.map(({ channel, target, kind }) => [channel, target, kind])).toEqual([
      ["EMAIL", "a@example.com", "RESULT"],
      ["EMAIL", "b@example.com", "RESULT"],
      ["SNS", TOPIC, "RESULT"],
      ["SLACK", "finance", "RESULT"],
    ]);
  });

  test("nobody to tell is no message", () => {
    const nobody = { emails: [], snsTopicArn: null, slackWebhook: null };
    expect(planResultDeliveries("run-1", nobody)).toEqual([]);
  });

  test("planned twice, they have the same identities", () => {
    expect(planResultDeliveries("run-1", EVERYBODY)).toEqual(
      planResultDeliveries("run-1", EVERYBODY),
    );
  });

  test("an identity is a sha256 that no other run, channel, target or kind has", () => {
    const ids = [
      ...planResultDeliveries("run-1", EVERYBODY),
      ...planResultDeliveries("run-2", EVERYBODY),
      ...planFailureDeliveries("run-1", "a@example.com"),
      ...planFailureDeliveries("run-2", "a@example.com"),
    ].map((planned) => planned.deliveryId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{64}$/);
  });

  test("the identity is pinned: a ledger that exists must be recognised by the next version", () => {
    // printf 'run-1|EMAIL|a@example.com|RESULT' | sha256sum
    expect(planResultDeliveries("run-1", EVERYBODY)[0]?.deliveryId).toBe(
      "e459605c56a3b0be28a675ef657a2a170820dea1087e1edb59421677664c43e3",
    );
  });
});

test("a failed run tells its owner, and nobody when there is none", () => {
  expect(planFailureDeliveries("run-1", "owner@example.com")).toMatchObject([
    { channel: "EMAIL", target: "owner@example.com", kind: "FAILURE" },
  ]);
  expect(planFailureDeliveries("run-1", null)).toEqual([]);
});

describe("the messages of a burst", () => {
  const nobody = { emails: [], snsTopicArn: null, slackWebhook: null };
  const done = [
    { key: "n", email: "a@example.com" },
    { key: "s", email: "a@example.com" },
  ];
  const failed = [{ key: "w", email: "b@example.com", error: anError("query_failed", "no table") }];

  test("there is one for each key of an address, and those that failed are told apart", () => {
    const planned = planBurstDeliveries("run-1", { done, failed }, nobody, null);
    expect(
      planned.map(({ target, kind, recipientKey, error }) => [target, kind, recipientKey, error]),
    ).toEqual([
      ["a@example.com", "RESULT", "n", undefined],
      ["a@example.com", "RESULT", "s", undefined],
      ["b@example.com", "RESULT", "w", "query_failed: no table"],
    ]);
    expect(new Set(planned.map(({ deliveryId }) => deliveryId)).size).toBe(3);
  });

  test("a summary goes to the topic and the webhook, and to the owner when somebody failed", () => {
    const channels = { ...nobody, snsTopicArn: TOPIC, slackWebhook: "finance" };
    const summaries = (result: { done: typeof done; failed: typeof failed }) =>
      planBurstDeliveries("run-1", result, channels, "owner@example.com")
        .filter(({ kind }) => kind === "SUMMARY")
        .map(({ channel }) => channel);
    expect(summaries({ done, failed })).toEqual(["SNS", "SLACK", "EMAIL"]);
    expect(summaries({ done, failed: [] })).toEqual(["SNS", "SLACK"]);
  });

  test("the identity with a key is pinned too", () => {
    // printf 'run-1|EMAIL|a@example.com|RESULT|n' | sha256sum
    expect(planRecipientDeliveries("run-1", done)[0]?.deliveryId).toBe(
      "91f2f1a60193c3e448e8e63d2f26ecfad6ee50ea7670c23764c11ff7c3e1719a",
    );
  });
});

test("of messages that may have gone out, only mail is sent again", () => {
  expect(CHANNELS.filter(resendsUnknown)).toEqual(["EMAIL"]);
});
