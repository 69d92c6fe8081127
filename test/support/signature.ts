import { createHash, createHmac } from "node:crypto";

/** Whose signature is wanted, and for where. */
export interface SigningKey {
  readonly id: string;
  readonly secret: string;
  readonly region: string;
}

/**
 * Null: the request is signed with the key, as API Gateway wants it of a method with AWS_IAM. Otherwise its answer.
 * Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function checkSignature(
  request: Request,
  body: Uint8Array,
  key: SigningKey,
): Response | null {
  const authorization = request.headers.get("authorization");
  if (authorization === null) {
    return refuse(403, "Missing Authentication Token", "MissingAuthenticationTokenException");
  }
  const [, id, day, signedNames = "", signature] =
    new RegExp(
      `^AWS4-HMAC-SHA256 Credential=([^/]+)/(\\d{8})/${key.region}/execute-api/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$`,
    ).exec(authorization) ?? [];
  const time = request.headers.get("x-amz-date") ?? "";
  const names = signedNames.split(";");
  const isWhole = id === key.id && names.includes("host") && names.includes("x-amz-date");
  const ageMs = Math.abs(Date.now() - readTime(time));
  if (!isWhole || !time.startsWith(`${day}T`) || !(ageMs < 300_000)) return badSignature();
  const canonical = [
    request.method,
    new URL(request.url).pathname,
    "",
    ...names.map((name) => `${name}:${(request.headers.get(name) ?? "").trim()}`),
    "",
    signedNames,
    sha256(body),
  ].join("\n");
  const scope = `${day}/${key.region}/execute-api/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const signing = scope
    .split("/")
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${key.secret}`);
  return hmac(signing, text).toString("hex") === signature ? null : badSignature();
}

function badSignature(): Response {
  const message =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.";
  return refuse(403, message, "InvalidSignatureException");
}

/** 20261123T040000Z; milliseconds. */
function readTime(time: string): number {
  return Date.parse(
    time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** As API Gateway refuses. */
export function refuse(status: number, message: string, errorType: string): Response {
  return Response.json({ message }, { status, headers: { "x-amzn-errortype": errorType } });
}
