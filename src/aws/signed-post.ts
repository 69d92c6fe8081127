import { messageOf, ReportError } from "../report/errors.ts";

/** `id.execute-api.REGION.amazonaws.com`, where API Gateway serves an API that has no domain of its own. */
const EXECUTE_API = /^[^.]+\.execute-api\.([^.]+)\.amazonaws\.com(\.cn)?$/;

/** Whether API Gateway answers at `url`, which for this service means that it asks for a signature. */
export function isExecuteApi(url: string): boolean {
  return EXECUTE_API.test(new URL(url).hostname);
}

/**
 * The headers of a POST of `body` to an API with AWS_IAM, signed (SigV4, `execute-api`) with the credentials of the AWS
 * environment, in the region that the host names or else that of the environment. Throws ReportError `configuration`
 * without credentials or region.
 */
export async function signPost(
  url: string,
  body: string,
): Promise<Readonly<Record<string, string>>> {
  // Imported when needed: a trigger of this machine is not signed.
  const [{ SignatureV4 }, { LambdaClient }] = await Promise.all([
    import("@smithy/signature-v4"),
    import("@aws-sdk/client-lambda"),
  ]);
  const { host, hostname, pathname, protocol } = new URL(url);
  // Of the client only what it finds in its surroundings is used; nothing is sent.
  const { config } = new LambdaClient();
  try {
    const signer = new SignatureV4({
      service: "execute-api",
      region: EXECUTE_API.exec(hostname)?.[1] ?? (await config.region()),
      credentials: await config.credentials(),
      sha256: config.sha256,
    });
    const { headers } = await signer.sign({
      method: "POST",
      protocol,
      hostname,
      path: pathname,
      query: {},
      headers: { host, "content-type": "application/json" },
      body,
    });
    return headers;
  } catch (thrown) {
    const reason = messageOf(thrown).replace(/\s+/g, " ");
    const advice = "run with a role, or set AWS_PROFILE and AWS_REGION";
    throw new ReportError("configuration", `${url} cannot be called: ${reason}; ${advice}`, {
      cause: thrown,
    });
  }
}
