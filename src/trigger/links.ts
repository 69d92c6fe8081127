import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import {
  LINK_REVOKED_AT,
  type LinkClaim,
  linkIdOf,
  linkMarkerKey,
  readLink,
  signLink,
} from "../report/link.ts";
import { explainCall, type FunctionCall } from "./failure.ts";

/** Addresses of files that outlive the credentials of whoever made them. */
export interface Links {
  /**
   * An address that opens the file until it expires or is taken back. Throws an Error when it was taken back already, and
   * one that names the bucket or the key's parameter, and the permission when that is what is missing.
   */
  create(key: string, fileName: string): Promise<string>;
  /** What a click gets. */
  open(token: string): Promise<OpenedLink>;
}

export type OpenedLink =
  | { readonly state: "open"; readonly url: string; readonly claim: LinkClaim }
  | { readonly state: "forged" }
  | { readonly state: "expired" | "revoked"; readonly claim: LinkClaim };

export interface LinkOptions {
  readonly bucket: string;
  /** Ends in `/`; the link is this, `r/` and the token. */
  readonly baseUrl: string;
  readonly days: number;
  readonly readKey: () => Promise<string>;
  readonly now: () => Date;
}

/** The address that a click is sent on to. */
const PRESIGNED_SECONDS = 300;

export function openLinks(client: S3Client, options: LinkOptions): Links {
  return {
    create: (key, fileName) => createLink(client, options, key, fileName),
    open: (token) => openLink(client, options, token),
  };
}

async function createLink(
  client: S3Client,
  { bucket, baseUrl, days, readKey, now }: LinkOptions,
  key: string,
  fileName: string,
): Promise<string> {
  const linkId = linkIdOf(key);
  const former = await findMetadata(client, bucket, linkMarkerKey(linkId));
  const { [LINK_REVOKED_AT]: revokedAt } = former ?? (await createMarker(client, bucket, key));
  if (revokedAt !== undefined) throw new Error(`the links to ${key} were taken back ${revokedAt}`);
  const expiresAt = Math.floor(now().getTime() / 1_000) + days * 86_400;
  const token = signLink({ linkId, key, fileName, expiresAt }, await readKey());
  return new URL(`r/${token}`, baseUrl).href;
}

/** Gives back its metadata. One that was made since somebody looked is left: it may say that the link was taken back. */
async function createMarker(client: S3Client, bucket: string, key: string): Promise<Metadata> {
  const Key = linkMarkerKey(linkIdOf(key));
  try {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: key, IfNoneMatch: "*" }));
    return {};
  } catch (thrown) {
    const made = statusOf(thrown) === 412 ? await findMetadata(client, bucket, Key) : null;
    if (made === null) throw explainCall(objectCall("s3:PutObject", bucket, Key), thrown);
    return made;
  }
}

type Metadata = Readonly<Record<string, string>>;

async function openLink(
  client: S3Client,
  { bucket, readKey, now }: LinkOptions,
  token: string,
): Promise<OpenedLink> {
  const claim = readLink(token, await readKey());
  if (claim === null) return { state: "forged" };
  if (claim.expiresAt * 1_000 <= now().getTime()) return { state: "expired", claim };
  const marker = await findMetadata(client, bucket, linkMarkerKey(claim.linkId));
  if (marker === null || LINK_REVOKED_AT in marker) return { state: "revoked", claim };
  if ((await findMetadata(client, bucket, claim.key)) === null) return { state: "expired", claim };
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: claim.key,
    ResponseContentDisposition: `attachment; filename="${claim.fileName}"`,
  });
  const url = await getSignedUrl(client, command, { expiresIn: PRESIGNED_SECONDS });
  return { state: "open", url, claim };
}

/** Null: it is not there. Without s3:ListBucket, which the function has no need of, S3 then answers 403. */
async function findMetadata(
  client: S3Client,
  bucket: string,
  key: string,
): Promise<Metadata | null> {
  try {
    const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return Metadata ?? {};
  } catch (thrown) {
    const status = statusOf(thrown);
    if (status === 403 || status === 404) return null;
    throw explainCall(objectCall("s3:GetObject", bucket, key), thrown);
  }
}

function objectCall(action: string, bucket: string, key: string): FunctionCall {
  const on = `${key} in the bucket "${bucket}"`;
  return { action, on, advice: { NoSuchBucket: "there is no such bucket" } };
}

function statusOf(thrown: unknown): number | undefined {
  return thrown instanceof S3ServiceException ? thrown.$metadata.httpStatusCode : undefined;
}
