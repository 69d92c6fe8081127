import type { CompletedPart, S3Client } from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { messageOf, ReportError } from "../report/errors.ts";
import type { RenderedFile } from "../worker/ports.ts";
import { type AwsCall, explainAws } from "./failure.ts";

interface Place {
  readonly bucket: string;
  readonly key: string;
}

/** 8 MB a part and two at a time: the 10,000 parts that S3 allows are 80 GB, and about 32 MB are in memory. */
const PART_BYTES = 8_000_000;
const PARTS_AT_ONCE = 2;

/**
 * Sends a file in parts, or at once when it is one part. The parts are made visible as one object only after the bytes
 * read are found to have the hash of the file as it was rendered; S3 compares the hash of each part. When anything
 * fails or `signal` is aborted, the parts are removed before the failure is passed on.
 * (lib-storage's Upload does not wait for that, nor does it remove the parts when the last request fails.)
 */
export async function uploadFile(
  client: S3Client,
  place: Place,
  file: RenderedFile,
  signal: AbortSignal,
): Promise<void> {
  await using handle = await openFile(file);
  if (file.sizeBytes <= PART_BYTES) await putAtOnce(client, place, file, handle, signal);
  else await putInParts(client, place, file, handle, signal);
}

/** S3 compares the hash itself: it refuses bytes that are not those that were rendered. */
async function putAtOnce(
  client: S3Client,
  place: Place,
  file: RenderedFile,
  handle: FileHandle,
  signal: AbortSignal,
): Promise<void> {
  const { PutObjectCommand } = await import("@aws-sdk/client-s3");
  const body = await handle.readFile();
  checkHash(file, createHash("sha256").update(body).digest("hex"));
  const checksum = Buffer.from(file.sha256, "hex").toString("base64");
  const command = new PutObjectCommand({
    ...describe(place, file),
    Body: body,
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256: checksum,
  });
  await client.send(command, { abortSignal: signal });
}

async function putInParts(
  client: S3Client,
  place: Place,
  file: RenderedFile,
  handle: FileHandle,
  signal: AbortSignal,
): Promise<void> {
  const { CompleteMultipartUploadCommand, CreateMultipartUploadCommand } =
    await import("@aws-sdk/client-s3");
  const create = new CreateMultipartUploadCommand({
    ...describe(place, file),
    ChecksumAlgorithm: "SHA256",
  });
  const { UploadId } = await client.send(create, { abortSignal: signal });
  const upload = { Bucket: place.bucket, Key: place.key, UploadId };
  try {
    const parts = await sendParts(client, upload, file, handle, signal);
    const complete = new CompleteMultipartUploadCommand({
      ...upload,
      MultipartUpload: { Parts: parts },
    });
    await client.send(complete, { abortSignal: signal });
  } catch (error) {
    throw await removeParts(client, upload, error);
  }
}

interface StartedUpload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

/** In order of their numbers. Ends when every part that was begun has ended, so that none arrives after the removal. */
async function sendParts(
  client: S3Client,
  upload: StartedUpload,
  file: RenderedFile,
  handle: FileHandle,
  signal: AbortSignal,
): Promise<CompletedPart[]> {
  const hash = createHash("sha256");
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const sent: CompletedPart[] = [];
  const source = readParts(handle, (bytes) => hash.update(bytes));
  const lanes = Array.from({ length: PARTS_AT_ONCE }, async () => {
    for await (const part of source) {
      sent.push(await sendPart(client, upload, part, stop));
      part.release();
    }
  });
  // A failure stops the other lanes at once, instead of letting them send parts that nobody needs.
  for (const lane of lanes) lane.catch((reason: unknown) => failed.abort(reason));
  await Promise.allSettled(lanes);
  failed.signal.throwIfAborted();
  checkHash(file, hash.digest("hex"));
  return sent.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
}

interface Part {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** The bytes may be written over. */
  readonly release: () => void;
}

/** Several may read from it: a generator gives one part after the other, whoever asks. */
async function* readParts(
  handle: FileHandle,
  onRead: (bytes: Uint8Array) => void,
): AsyncGenerator<Part> {
  const free: Buffer[] = [];
  for (let number = 1; ; number += 1) {
    const buffer = free.pop() ?? Buffer.allocUnsafe(PART_BYTES);
    const bytes = await readFully(handle, buffer);
    if (bytes.length === 0) return;
    onRead(bytes);
    yield { number, bytes, release: () => void free.push(buffer) };
  }
}

/** As much as there is: a single read may give less than it was asked for before the end of the file. */
async function readFully(handle: FileHandle, buffer: Buffer): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

async function sendPart(
  client: S3Client,
  upload: StartedUpload,
  { number, bytes }: Part,
  signal: AbortSignal,
): Promise<CompletedPart> {
  const { UploadPartCommand } = await import("@aws-sdk/client-s3");
  const ChecksumSHA256 = createHash("sha256").update(bytes).digest("base64");
  const command = new UploadPartCommand({
    ...upload,
    PartNumber: number,
    Body: bytes,
    ChecksumAlgorithm: "SHA256",
    ChecksumSHA256,
  });
  const { ETag } = await client.send(command, { abortSignal: signal });
  return { PartNumber: number, ETag, ChecksumSHA256 };
}

/** Gives back why, and when even the removal fails, both: the bucket's lifecycle then has to remove the parts. */
async function removeParts(
  client: S3Client,
  upload: StartedUpload,
  why: unknown,
): Promise<unknown> {
  const { AbortMultipartUploadCommand } = await import("@aws-sdk/client-s3");
  try {
    await client.send(new AbortMultipartUploadCommand(upload));
    return why;
  } catch (thrown) {
    const removal = explainAws(bucketCall("s3:AbortMultipartUpload", upload.Bucket), thrown);
    const first =
      why instanceof ReportError ? why : explainAws(bucketCall("s3:PutObject", upload.Bucket), why);
    const { retryable } = first;
    const message = `${first.message}; its parts stay in the bucket: ${removal.message}`;
    return new ReportError("store_failed", message, { cause: why, retryable });
  }
}

async function openFile(file: RenderedFile): Promise<FileHandle> {
  try {
    return await open(file.path, "r");
  } catch (thrown) {
    throw new ReportError("store_failed", `${file.key} cannot be read: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

function checkHash(file: RenderedFile, sha256: string): void {
  if (sha256 === file.sha256) return;
  throw new ReportError(
    "store_failed",
    `${file.key} was changed on the disk between rendering and storing (SHA-256 ${sha256}, not ${file.sha256})`,
  );
}

function describe({ bucket, key }: Place, file: RenderedFile) {
  return {
    Bucket: bucket,
    Key: key,
    ContentType: file.mediaType,
    Metadata: { sha256: file.sha256 },
  };
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
