import { type ErrorCode, messageOf, ReportError } from "../report/errors.ts";

/** What was tried, for whoever has to mend it. */
export interface AwsCall {
  /** The permission that it needs, such as "s3:PutObject". */
  readonly action: string;
  /** What it was done to, such as "the bucket reports". */
  readonly on: string;
  /** What a failure of it is called. */
  readonly code: ErrorCode;
  /** What a person can do, by the error's name or by words that it says. Without a wait it would only fail again. */
  readonly advice?: Readonly<Record<string, string | Postponed>>;
}

/** It passes, but not within minutes. */
export interface Postponed {
  readonly advice: string;
  readonly retryAfterMs: number;
}

/** Without these a client waits for ever for a network that drops packets. */
export const AWS_NETWORK = {
  requestHandler: {
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    throwOnRequestTimeout: true,
  },
  maxAttempts: 4,
} as const;

const THROTTLED =
  /Throttl|TooManyRequests|SlowDown|RequestLimitExceeded|LimitExceeded|PriorRequestNotComplete/;
const PASSING = /ServiceUnavailable|InternalError|InternalFailure|InternalServer|Timeout/;
const DENIED = /AccessDenied|AuthorizationError|Forbidden|UnauthorizedOperation|NotAuthorized/;
const CREDENTIALS =
  /CredentialsProviderError|UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|InvalidClientTokenId|InvalidAccessKeyId|RequestTimeTooSkewed/;

/** Runs an AWS call; a failure becomes a ReportError that names the resource, the permission and what to do. */
export async function callAws<T>(call: AwsCall, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    if (thrown instanceof ReportError) throw thrown;
    throw explainAws(call, thrown);
  }
}

/** One line, whatever the service said. */
export function explainAws(call: AwsCall, thrown: unknown): ReportError {
  const name = thrown instanceof Error ? thrown.name : "";
  const said = messageOf(thrown).replace(/\s+/g, " ").trim();
  const { advice, ...facts } = judge(call, thrown, name, said);
  const message = `${call.action} on ${call.on}: ${advice} (${name}: ${said})`;
  return new ReportError(call.code, message, { cause: thrown, ...facts });
}

interface Judgement {
  readonly advice: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

function judge(call: AwsCall, thrown: unknown, name: string, said: string): Judgement {
  const known = findAdvice(call, name, said);
  if (typeof known === "string") return { advice: known, retryable: false };
  if (known !== undefined) return { ...known, retryable: true };
  if (said.includes("Region is missing")) {
    return { advice: "no AWS region is set; set AWS_REGION", retryable: false };
  }
  if (DENIED.test(name)) {
    return { advice: `this role may not; allow ${call.action} on it`, retryable: false };
  }
  // A task's credentials are renewed by themselves, so what is refused now may be taken later.
  if (CREDENTIALS.test(name)) {
    const advice =
      "the AWS credentials are missing or not valid; run with a task role, or set AWS_PROFILE";
    return { advice, retryable: true };
  }
  if (THROTTLED.test(name) || statusOf(thrown) === 429) {
    return { advice: "AWS throttles it; it is tried again later", retryable: true };
  }
  return PASSING.test(name) || isElsewhere(thrown)
    ? { advice: "AWS does not answer as it should; it is tried again later", retryable: true }
    : { advice: "AWS refuses it", retryable: false };
}

function findAdvice(call: AwsCall, name: string, said: string): string | Postponed | undefined {
  const entries = Object.entries(call.advice ?? {});
  return entries.find(([key]) => key === name || (key.includes(" ") && said.includes(key)))?.[1];
}

/** The service or the way to it is at fault, not what was asked. A failure of the network has a code, and no `$fault`. */
function isElsewhere(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  if ((statusOf(thrown) ?? 0) >= 500) return true;
  if ("$fault" in thrown) return thrown.$fault === "server";
  return "code" in thrown && typeof thrown.code === "string";
}

function statusOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !("$metadata" in thrown)) return undefined;
  const metadata: unknown = thrown.$metadata;
  if (typeof metadata !== "object" || metadata === null) return undefined;
  const status: unknown = "httpStatusCode" in metadata ? metadata.httpStatusCode : undefined;
  return typeof status === "number" ? status : undefined;
}
