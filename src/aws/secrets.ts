import { messageOf, ReportError } from "../report/errors.ts";
import { AWS_NETWORK } from "./failure.ts";
import { parseJson } from "./json.ts";

interface SecretOptions {
  /** Instead of AWS's own. */
  readonly endpoint?: string;
  /** Default: the one in the secret's ARN, then what the AWS environment says. */
  readonly region?: string;
}

/**
 * Reads a secret of AWS Secrets Manager, by name or ARN, that holds a JSON object. Throws ReportError `configuration`,
 * retryable when the cause is the network or the service. The message and the cause hold nothing of the secret.
 */
export async function readSecret(
  secretId: string,
  options: SecretOptions = {},
): Promise<Record<string, unknown>> {
  const text = await fetchText(secretId, options);
  if (text === undefined) {
    throw explain(secretId, "is binary; store it as text, a JSON object");
  }
  return parseSecret(secretId, text);
}

/** A secret that is kept in memory, and read again when what it holds was refused. */
export interface CachedSecret {
  /** As read first, or by the latest `refresh`. See `readSecret` for what is thrown. */
  read(): Promise<Record<string, unknown>>;
  /**
   * Reads it again after a login was refused; true: it holds something else now, so that another login may succeed.
   * Within a minute of the latest reading it does not ask, since each asking is paid for, and a wrong key stays wrong.
   */
  refresh(): Promise<boolean>;
}

const REFRESH_MIN_MS = 60_000;

export function openSecret(
  secretId: string,
  options: SecretOptions & { readonly monotonicMs?: () => number } = {},
): CachedSecret {
  const { monotonicMs = () => performance.now() } = options;
  let cached: Promise<Record<string, unknown>> | null = null;
  let readAtMs = 0;
  const readAgain = async (): Promise<Record<string, unknown>> => {
    const secret = await readSecret(secretId, options);
    readAtMs = monotonicMs();
    return secret;
  };
  const read = async (): Promise<Record<string, unknown>> => {
    cached ??= readAgain();
    try {
      return await cached;
    } catch (thrown) {
      cached = null;
      throw thrown;
    }
  };
  return {
    read,
    refresh: async () => {
      const former = await read();
      if (monotonicMs() - readAtMs < REFRESH_MIN_MS) return false;
      const secret = await readAgain();
      cached = Promise.resolve(secret);
      return JSON.stringify(secret) !== JSON.stringify(former);
    },
  };
}

/** Undefined: the secret is binary. */
async function fetchText(secretId: string, options: SecretOptions): Promise<string | undefined> {
  // Imported when needed: it takes some 50 ms, which a command that reads no secret must not pay.
  const { GetSecretValueCommand, SecretsManagerClient } =
    await import("@aws-sdk/client-secrets-manager");
  const region = options.region ?? regionOfArn(secretId);
  const client = new SecretsManagerClient({
    requestHandler: { ...AWS_NETWORK.requestHandler, requestTimeout: 10_000 },
    ...(region !== undefined && { region }),
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
  });
  try {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    return answer.SecretString;
  } catch (thrown) {
    throw explainFailure(secretId, thrown);
  } finally {
    client.destroy();
  }
}

/** `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME`. */
function regionOfArn(secretId: string): string | undefined {
  return /^arn:[^:]+:secretsmanager:([^:]+):/.exec(secretId)?.[1];
}

function parseSecret(secretId: string, text: string): Record<string, unknown> {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw explain(
      secretId,
      'is not a JSON object; store it as one, such as {"account": "...", "user": "..."}',
    );
  }
  return Object.fromEntries(Object.entries(value));
}

function explain(secretId: string, reason: string, facts: ErrorFacts = {}): ReportError {
  return new ReportError("configuration", `Secret ${JSON.stringify(secretId)} ${reason}`, facts);
}

type ErrorFacts = { readonly cause?: unknown; readonly retryable?: boolean };

/** What a person can do, by the name of the error. Source: the API reference of GetSecretValue, "Errors". */
const ADVICE: Readonly<Record<string, string>> = {
  ResourceNotFoundException:
    "does not exist in this account and region, or has no value yet; create it, or correct SNOWFLAKE_SECRET_ID or AWS_REGION",
  AccessDeniedException:
    "may not be read; allow secretsmanager:GetSecretValue on it to this role, and kms:Decrypt on its key if it has one of its own",
  DecryptionFailure: "cannot be decrypted; allow kms:Decrypt on its key to this role",
  InvalidRequestException: "cannot be read as it is; if it is marked for deletion, restore it",
  InvalidParameterException: "has no valid name; correct SNOWFLAKE_SECRET_ID",
  CredentialsProviderError:
    "cannot be read without AWS credentials; run with a task role, or set AWS_PROFILE or AWS_ACCESS_KEY_ID",
  UnrecognizedClientException: "cannot be read with these AWS credentials; AWS does not know them",
  InvalidSignatureException: "cannot be read with these AWS credentials; their secret key is wrong",
  ExpiredTokenException: "cannot be read with these AWS credentials; they have expired, renew them",
};

function explainFailure(secretId: string, thrown: unknown): ReportError {
  const name = thrown instanceof Error ? thrown.name : "";
  const said = messageOf(thrown).replace(/\s+/g, " ").trim();
  if (said.includes("Region is missing")) {
    return explain(secretId, "cannot be read: no AWS region is set; set AWS_REGION", {
      cause: thrown,
    });
  }
  const advice = ADVICE[name];
  if (advice !== undefined) {
    return explain(secretId, `${advice} (${name}: ${said})`, { cause: thrown });
  }
  if (isRefusal(thrown, name)) {
    return explain(secretId, `cannot be read: ${said} (${name})`, { cause: thrown });
  }
  return explain(
    secretId,
    `cannot be read now: Secrets Manager is out of reach (${name}: ${said}); check the network, then try again`,
    { cause: thrown, retryable: true },
  );
}

/** The service says that the request itself is wrong, so the same one again would be too. */
function isRefusal(thrown: unknown, name: string): boolean {
  const throttled = name === "ThrottlingException" || name === "TooManyRequestsException";
  const client = thrown instanceof Error && "$fault" in thrown && thrown.$fault === "client";
  return client && !throttled;
}
