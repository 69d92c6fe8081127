import { describe, expect, test } from "bun:test";
import {
  CHANNELS,
  planFailureDeliveries,
  planResultDeliveries,
  resendsUnknown,
} from "../../src/report/delivery.ts";

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

test("of messages that may have gone out, only mail is sent again", () => {
  expect(CHANNELS.filter(resendsUnknown)).toEqual(["EMAIL"]);
});
