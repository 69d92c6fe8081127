import { describe, expect, test } from "bun:test";
import { readEvent } from "../../src/trigger/event.ts";

/** As API Gateway (REST, proxy integration) sends it. */
function proxyEvent(changes: object = {}): object {
  return {
    resource: "/trigger",
    path: "/trigger",
    httpMethod: "POST",
    headers: { "Content-Type": "application/json", "Sf-External-Function-Format": "json" },
    multiValueHeaders: {},
    queryStringParameters: null,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      resourcePath: "/trigger",
      httpMethod: "POST",
      stage: "prod",
      requestId: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
      identity: { sourceIp: "192.0.2.7", userAgent: "snowflake/1.0", user: null },
    },
    body: '{"data":[[0,"stream"]]}',
    isBase64Encoded: false,
    ...changes,
  };
}

describe("what may call the function", () => {
  test("a POST is a call, whose headers are found in any case", () => {
    const event = readEvent(proxyEvent());
    if (event.kind !== "call") throw new Error(event.kind);
    expect(event.request.header("sf-external-function-format")).toBe("json");
    expect(event.request.header("x-other")).toBeNull();
    expect(new TextDecoder().decode(event.request.body ?? new Uint8Array())).toContain("stream");
  });

  test("a binary body is given unpacked from base64", () => {
    const body = Buffer.from([0x1f, 0x8b, 0]).toString("base64");
    const event = readEvent(proxyEvent({ body, isBase64Encoded: true }));
    if (event.kind !== "call") throw new Error(event.kind);
    expect([...(event.request.body ?? [])]).toEqual([0x1f, 0x8b, 0]);
  });

  test("a call without body and headers is a call", () => {
    const event = readEvent(proxyEvent({ body: null, headers: null }));
    expect(event).toMatchObject({ kind: "call", request: { body: new Uint8Array() } });
  });

  test("an over-long body is not kept", () => {
    expect(readEvent(proxyEvent({ body: "x".repeat(5_000) }))).toMatchObject({
      kind: "call",
      request: { body: null },
    });
  });

  test("a GET is a click on a link, with who made it", () => {
    const click = { httpMethod: "GET", resource: "/r/{token}", pathParameters: { token: "a.b" } };
    expect(readEvent(proxyEvent(click))).toEqual({
      kind: "click",
      token: "a.b",
      visitor: { sourceIp: "192.0.2.7", userAgent: "snowflake/1.0" },
    });
  });

  test.each(["schedule", "wake-up"] as const)("the event of the %s is a tick", (source) => {
    expect(readEvent({ source })).toEqual({ kind: "tick", source });
  });

  test("a worker tells what it saw or why it cannot start, or asks for a link", () => {
    const observation = {
      pending: 2,
      running: 1,
      nextDueAt: "2026-11-23T09:00:00.000Z",
      oldestPendingAt: null,
    };
    expect(readEvent({ source: "worker", observation })).toEqual({
      kind: "observation",
      observation,
    });
    const unable = { reason: "the secret has no value yet" };
    expect(readEvent({ source: "worker", unable })).toEqual({ kind: "unable", ...unable });
    const link = { key: "a/f1-b/c.pdf", fileName: "c.pdf" };
    expect(readEvent({ source: "worker", link })).toEqual({ kind: "link", ...link });
  });

  test.each([
    null,
    {},
    { source: "somebody" },
    { source: "worker" },
    { source: "worker", unable: {} },
    { source: "worker", observation: { pending: -1, running: 0 } },
    { source: "worker", observation: { pending: 1, running: 0, nextDueAt: "soon" } },
  ])("%j is refused", (event) => {
    expect(() => readEvent(event)).toThrow("none that this function knows");
  });
});
