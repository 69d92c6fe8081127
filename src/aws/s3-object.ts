import type { S3Client } from "@aws-sdk/client-s3";
import type { FileHandle } from "node:fs/promises";
import { ReportError } from "../report/errors.ts";
import type { RenderedFile } from "../worker/ports.ts";
import type { AwsCall } from "./failure.ts";
import type { Patience, PatienceClock } from "./patience.ts";

/** A file on its way to its place. */
export interface Sending {
  /** It tries once: `patience` tries again. */
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  readonly file: RenderedFile;
  readonly handle: FileHandle;
  readonly patience: Patience;
  readonly clock: PatienceClock;
  readonly signal: AbortSignal;
}

/** What is said of the object when it is made. */
export function describeObject({ bucket, key, file }: Sending) {
  return {
    Bucket: bucket,
    Key: key,
    ContentType: file.mediaType,
    Metadata: { sha256: file.sha256 },
  };
}

/** Throws ReportError `store_failed`: what was read is not what was rendered. */
export function checkHash(file: RenderedFile, sha256: string): void {
  if (sha256 === file.sha256) return;
  throw new ReportError(
    "store_failed",
    `${file.key} was changed on the disk between rendering and storing (SHA-256 ${sha256}, not ${file.sha256})`,
  );
}

/** What is asked of a bucket, with what can be wrong about it. */
export function bucketCall(action: string, bucket: string): AwsCall {
  const region = "it is in another region; set AWS_REGION to the bucket's";
  return {
    action,
    on: `the bucket ${bucket}`,
    code: "store_failed",
    advice: {
      NoSuchBucket: "there is no such bucket; correct REPORT_BUCKET",
      NoSuchKey: "the file is no longer there",
      PermanentRedirect: region,
      AuthorizationHeaderMalformed: region,
      IllegalLocationConstraintException: region,
    },
  };
}
