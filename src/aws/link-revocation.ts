import { LINK_REVOKED_AT, linkIdOf, linkMarkerKey } from "../report/link.ts";
import { AWS_NETWORK, callAws } from "./failure.ts";
import { bucketCall } from "./s3-object.ts";

/** Takes links in mails back. */
export interface LinkRevocation extends AsyncDisposable {
  /**
   * Ends every link to the file, those that would be made later too. Idempotent. Throws ReportError `store_failed` that
   * names the bucket and the permission.
   */
  revoke(place: { readonly bucket: string; readonly key: string }, now: Date): Promise<void>;
}

/** `forcePathStyle`: the bucket's name in the path instead of the host's name, which emulators need. */
export async function openLinkRevocation(forcePathStyle: boolean): Promise<LinkRevocation> {
  const { PutObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client({ ...AWS_NETWORK, forcePathStyle });
  return {
    revoke: async ({ bucket, key }, now) => {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: linkMarkerKey(linkIdOf(key)),
        Body: key,
        Metadata: { [LINK_REVOKED_AT]: now.toISOString() },
      });
      await callAws(bucketCall("s3:PutObject of links/*", bucket), () => client.send(command));
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}
