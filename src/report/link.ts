import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";

/** What a link in a mail stands for. */
export interface LinkClaim {
  /** Names the link in the audit, and takes it back. */
  readonly linkId: string;
  /** The stored file. */
  readonly key: string;
  /** As the recipient saves it. */
  readonly fileName: string;
  /** Seconds since 1970; the link is dead from then on. */
  readonly expiresAt: number;
}

/** The same file always has the same link, so that taking it back takes back every copy of it. */
export function linkIdOf(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 32);
}

/**
 * A link is open while this object is in the bucket and says nothing of `LINK_REVOKED_AT`. One that was taken back stays
 * taken back also when a message of the same run is sent later, which deleting the object would not do.
 */
export function linkMarkerKey(linkId: string): string {
  return `links/${linkId}`;
}

/** Metadata of the marker: when the link was taken back, ISO 8601. */
export const LINK_REVOKED_AT = "revoked-at";

const claimSchema = z.tuple([z.string(), z.string(), z.string(), z.number().int()]);

/**
 * A token for the address of a link: the claim in the open, signed with HMAC-SHA256, URL-safe. A URL presigned with
 * a task's credentials dies with them within hours; this one lives until `expiresAt` and is presigned at each click.
 */
export function signLink(claim: LinkClaim, secret: string): string {
  const fields = [claim.linkId, claim.key, claim.fileName, claim.expiresAt];
  const body = Buffer.from(JSON.stringify(fields)).toString("base64url");
  return `${body}.${signatureOf(body, secret)}`;
}

/** The claim of a token that `signLink` made with the same secret; null for any other text. Expiry is the caller's. */
export function readLink(token: string, secret: string): LinkClaim | null {
  const [body = "", signature = "", ...more] = token.split(".");
  if (more.length > 0 || !isEqual(signature, signatureOf(body, secret))) return null;
  const [linkId, key, fileName, expiresAt] = claimSchema.parse(
    JSON.parse(Buffer.from(body, "base64url").toString()),
  );
  return { linkId, key, fileName, expiresAt };
}

function signatureOf(body: string, secret: string): string {
  return createHmac("sha256", secret).update(body).digest("base64url");
}

/** Takes the same time whatever is wrong. */
function isEqual(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}
