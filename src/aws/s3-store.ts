import type { S3Client } from "@aws-sdk/client-s3";
import { ReportError } from "../report/errors.ts";
import type { RenderedFile, Store } from "../worker/ports.ts";
import { AWS_NETWORK, callAws } from "./failure.ts";
import type { PatienceClock } from "./patience.ts";
import { bucketCall } from "./s3-object.ts";
import { uploadFile } from "./s3-upload.ts";

export interface S3StoreOptions {
  readonly bucket: string;
  /** Before every key, such as "reports/". */
  readonly prefix: string;
  /** The bucket's name in the path instead of the host's name, which emulators need. */
  readonly forcePathStyle: boolean;
  /** An address for a stored file that a recipient can open later. */
  readonly createLink: (key: string, fileName: string) => Promise<string>;
  readonly clock: PatienceClock;
}

/** Of one part: 8 MB need 0.6 Mbit/s to be through in time. */
const NETWORK = {
  requestHandler: { ...AWS_NETWORK.requestHandler, requestTimeout: 120_000, socketTimeout: 30_000 },
  maxAttempts: 5,
} as const;

/**
 * Files in a bucket. A file is there when all of it is, or not at all: it is stored under its key by the last request,
 * after its hash was compared. `AWS_ENDPOINT_URL` is honoured, as by every client of the SDK.
 */
export async function openS3Store(options: S3StoreOptions): Promise<Store & AsyncDisposable> {
  // Imported when needed: it takes some 100 ms, which a laptop's worker must not pay.
  const { S3Client } = await import("@aws-sdk/client-s3");
  const { forcePathStyle } = options;
  const reading = new S3Client({ ...NETWORK, forcePathStyle });
  // An upload tries again by itself, and knows for how long.
  const sending = new S3Client({ ...NETWORK, forcePathStyle, maxAttempts: 1 });
  return {
    put: (file, signal) => putFile(sending, options, file, signal),
    read: (uri) => readFile(reading, uri),
    link: async ({ uri, fileName }) => await options.createLink(placeOf(uri).key, fileName),
    async [Symbol.asyncDispose]() {
      reading.destroy();
      sending.destroy();
    },
  };
}

/** For somebody who only looks at what is stored. `read` as a store's. */
export async function openS3Reader(
  forcePathStyle: boolean,
): Promise<Pick<Store, "read"> & AsyncDisposable> {
  const { S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client({ ...NETWORK, forcePathStyle });
  return {
    read: (uri) => readFile(client, uri),
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}

async function putFile(
  client: S3Client,
  { bucket, prefix, clock }: S3StoreOptions,
  file: RenderedFile,
  signal: AbortSignal,
): Promise<{ uri: string }> {
  const key = `${prefix}${file.key}`;
  try {
    signal.throwIfAborted();
    await callAws(bucketCall("s3:PutObject", bucket), () =>
      uploadFile(client, { bucket, key }, file, clock, signal),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
  return { uri: `s3://${bucket}/${key}` };
}

async function readFile(client: S3Client, uri: string): Promise<Uint8Array> {
  const { GetObjectCommand } = await import("@aws-sdk/client-s3");
  const { bucket, key } = placeOf(uri);
  const call = bucketCall("s3:GetObject", bucket);
  // Without s3:ListBucket, which a worker has no need of, S3 says so of a file that is not there.
  const AccessDenied = `either ${key} is no longer there, or this role may not: then allow s3:GetObject on it`;
  return await callAws({ ...call, advice: { ...call.advice, AccessDenied } }, async () => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  });
}

/** Throws ReportError `store_failed` for what is not `s3://bucket/key`. */
export function placeOf(uri: string): { bucket: string; key: string } {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  if (bucket === undefined || key === undefined) {
    throw new ReportError("store_failed", `${uri} is not in a bucket`, { retryable: false });
  }
  return { bucket, key };
}
