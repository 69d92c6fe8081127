import { z } from "zod";
import type { TriggerRequest } from "./call.ts";
import { TRIGGER_BODY_BYTES_MAX } from "./call.ts";
import type { Observation } from "./target.ts";

/** Everything that may call the function. */
export type TriggerEvent =
  | { readonly kind: "call"; readonly request: TriggerRequest }
  | { readonly kind: "click"; readonly token: string; readonly visitor: Visitor }
  | { readonly kind: "tick"; readonly source: "schedule" | "wake-up" }
  | { readonly kind: "observation"; readonly observation: Observation }
  | { readonly kind: "unable"; readonly reason: string }
  | { readonly kind: "link"; readonly key: string; readonly fileName: string };

/** Who opened a link, for the audit. */
export interface Visitor {
  readonly sourceIp: string | null;
  readonly userAgent: string | null;
}

/**
 * What API Gateway (REST, proxy integration) sends; of its many fields those that matter here.
 * Source: docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
const proxyEvent = z.object({
  httpMethod: z.string(),
  resource: z.string(),
  headers: z.record(z.string(), z.string()).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
  pathParameters: z.record(z.string(), z.string()).nullish(),
  requestContext: z
    .object({
      identity: z.object({ sourceIp: z.string().nullish(), userAgent: z.string().nullish() }),
    })
    .nullish(),
});

const count = z.number().int().min(0);
const instant = z.iso.datetime().nullable();

const ownEvent = z.union([
  z.object({ source: z.enum(["schedule", "wake-up"]) }),
  z.object({
    source: z.literal("worker"),
    observation: z.object({
      pending: count,
      running: count,
      nextDueAt: instant,
      oldestPendingAt: instant,
    }),
  }),
  z.object({ source: z.literal("worker"), unable: z.object({ reason: z.string() }) }),
  z.object({
    source: z.literal("worker"),
    // The name gets into a header: letters, digits and what does no harm there, as artifacts are named.
    link: z.object({ key: z.string().min(1), fileName: z.string().regex(/^[A-Za-z0-9._-]+$/) }),
  }),
]);

/** Which of them it is. Throws an Error for anything else. */
export function readEvent(event: unknown): TriggerEvent {
  const proxied = proxyEvent.safeParse(event);
  if (proxied.success) return readProxyEvent(proxied.data);
  const own = ownEvent.safeParse(event);
  if (!own.success) throw new Error("the event is none that this function knows");
  const { data } = own;
  if (data.source !== "worker") return { kind: "tick", source: data.source };
  if ("link" in data) return { kind: "link", ...data.link };
  return "unable" in data
    ? { kind: "unable", ...data.unable }
    : { kind: "observation", observation: data.observation };
}

function readProxyEvent(event: z.output<typeof proxyEvent>): TriggerEvent {
  if (event.httpMethod === "GET") {
    const identity = event.requestContext?.identity;
    const visitor = {
      sourceIp: identity?.sourceIp ?? null,
      userAgent: identity?.userAgent ?? null,
    };
    return { kind: "click", token: event.pathParameters?.["token"] ?? "", visitor };
  }
  const headers = new Map(
    Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded === true ? "base64" : "utf8");
  return {
    kind: "call",
    request: {
      header: (name) => headers.get(name) ?? null,
      body: body.length > TRIGGER_BODY_BYTES_MAX ? null : body,
    },
  };
}
