import { isExecuteApi, signPost } from "../aws/signed-post.ts";
import { messageOf, ReportError } from "../report/errors.ts";
import type { Secret } from "../secret.ts";

/** API Gateway gives up after 29 s. */
const TIMEOUT_MS = 30_000;
const BODY = "{}";

/**
 * Wakes the service: POST to `url`, signed with the AWS credentials of the surroundings where API Gateway asks for it.
 * `apiKey` is sent beside that, where the API asks for one. Gives back what it answered. Throws ReportError
 * `delivery_failed`.
 */
export async function callTrigger(url: string, apiKey: Secret<string> | null): Promise<string> {
  const keyed = apiKey === null ? {} : { "x-api-key": apiKey.reveal() };
  const response = await postAsAsked(url, keyed);
  const body = (await response.text()).trim();
  if (response.ok) return body;
  const advice = response.status === 403 ? ADVICE_FORBIDDEN : "";
  throw new ReportError("delivery_failed", `${url} answered ${response.status}: ${body}${advice}`);
}

const ADVICE_FORBIDDEN =
  "; allow execute-api:Invoke on it to this role, or call it with a role that may, and set TRIGGER_API_KEY if it has a key";

/** Behind a domain of its own an API is not recognised, but it says that it wants a signature. */
async function postAsAsked(
  url: string,
  keyed: Readonly<Record<string, string>>,
): Promise<Response> {
  const signed = async (): Promise<Response> =>
    await post(url, { ...(await signPost(url, BODY)), ...keyed });
  if (isExecuteApi(url)) return await signed();
  const response = await post(url, { "content-type": "application/json", ...keyed });
  const asksForSignature =
    response.headers.get("x-amzn-errortype") === "MissingAuthenticationTokenException";
  return asksForSignature ? await signed() : response;
}

async function post(url: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return await fetch(url, { method: "POST", body: BODY, headers: { ...headers }, signal });
  } catch (error) {
    const advice = isExecuteApi(url)
      ? "check the URL and the network"
      : "is a worker running? bun run worker";
    throw new ReportError(
      "delivery_failed",
      `${url} cannot be reached (${messageOf(error)}); ${advice}`,
      { cause: error },
    );
  }
}
