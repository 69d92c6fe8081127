import { inflateRawSync } from "node:zlib";
import { ReportError } from "../../report/errors.ts";
import { encodeText } from "../byte-buffer.ts";
import { createDeflater } from "../deflate.ts";
import type { ByteSink } from "../renderer.ts";

/** Local headers, data descriptors and the central directory as in PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.4. */
const LOCAL_HEADER = 0x04034b50;
const DATA_DESCRIPTOR = 0x08074b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const VERSION = 20;
const DEFLATED = 8;
/** Bit 3: sizes follow the data. Bit 11: names are UTF-8. */
const FLAGS = 0x0808;
/** 1980-01-01, as Excel writes it: equal input is an equal file. */
const DOS_DATE = 0x0021;
/** The largest 32-bit size; 0xFFFFFFFF itself says "see Zip64". */
const ZIP_BYTES_MAX = 0xfffffffe;
const DEFLATE_LEVEL = 1;

export interface ZipEntryWriter {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Writes entries one after another. Memory does not grow with their size. */
export interface ZipWriter {
  /** The entry before must be closed. */
  open(name: string): Promise<ZipEntryWriter>;
  finish(): Promise<void>;
}

interface EntryFacts {
  readonly name: string;
  readonly offset: number;
  readonly crc32: number;
  readonly size: number;
  readonly deflatedSize: number;
}

/**
 * A zip as a stream, deflated at level 1. Our own because the maintained writer that streams through node:zlib
 * (yazl 3.3.1) has its CRC in JavaScript: 150 MB/s of row XML, where this gives 500. No Zip64: spreadsheets of over
 * 4 GB open nowhere, so a part or a file of that size throws ReportError `too_many_rows`.
 */
export function createZipWriter(sink: ByteSink, bytesMax = ZIP_BYTES_MAX): ZipWriter {
  const entries: EntryFacts[] = [];
  let offset = 0;

  const counted: ByteSink = {
    async write(bytes) {
      offset += bytes.length;
      checkSize(offset, bytesMax);
      await sink.write(bytes);
    },
  };
  return {
    async open(name) {
      const start = offset;
      const deflater = createDeflater(counted, DEFLATE_LEVEL);
      let size = 0;
      await counted.write(composeLocalHeader(name));
      return {
        async write(bytes) {
          size += bytes.length;
          checkSize(size, bytesMax);
          await deflater.write(bytes);
        },
        async close() {
          const facts = { name, offset: start, ...(await deflater.finish()) };
          entries.push(facts);
          await counted.write(composeDescriptor(facts));
        },
      };
    },
    async finish() {
      const start = offset;
      for (const entry of entries) await counted.write(composeCentralHeader(entry));
      await counted.write(composeEnd(entries.length, start, offset - start));
    },
  };
}

/** The entries of a small zip that is in memory, in the order of its directory; folders are left out. */
export function readZip(zip: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const end = findEnd(view);
  const parts = new Map<string, Uint8Array>();
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const nameLength = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(zip.subarray(at + 46, at + 46 + nameLength));
    if (!name.endsWith("/")) parts.set(name, readEntry(zip, view, at));
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return parts;
}

function readEntry(zip: Uint8Array, view: DataView, directoryAt: number): Uint8Array {
  const local = view.getUint32(directoryAt + 42, true);
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const data = zip.subarray(start, start + view.getUint32(directoryAt + 20, true));
  return view.getUint16(directoryAt + 10, true) === DEFLATED ? inflateRawSync(data) : data;
}

function findEnd(view: DataView): number {
  for (let at = view.byteLength - 22; at >= 0; at--) {
    if (view.getUint32(at, true) === END_OF_DIRECTORY) return at;
  }
  throw new Error("not a zip");
}

function checkSize(size: number, bytesMax: number): void {
  if (size <= bytesMax) return;
  throw new ReportError(
    "too_many_rows",
    "The EXCEL file would hold a part of 4 GB or more, which no spreadsheet opens; choose CSV or fewer rows",
  );
}

/** Little-endian fields, each as [size in bytes, value]. */
function compose(fields: readonly (readonly [2 | 4, number])[], name = ""): Uint8Array {
  const text = encodeText(name);
  const size = fields.reduce((sum, [width]) => sum + width, 0);
  const bytes = new Uint8Array(size + text.length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  bytes.set(text, at);
  return bytes;
}

function composeLocalHeader(name: string): Uint8Array {
  const head = [
    [4, LOCAL_HEADER],
    [2, VERSION],
    [2, FLAGS],
    [2, DEFLATED],
    [2, 0],
  ] as const;
  const sizes = [
    [2, DOS_DATE],
    [4, 0],
    [4, 0],
    [4, 0],
  ] as const;
  return compose([...head, ...sizes, [2, encodeText(name).length], [2, 0]], name);
}

function composeDescriptor(entry: EntryFacts): Uint8Array {
  return compose([
    [4, DATA_DESCRIPTOR],
    [4, entry.crc32],
    [4, entry.deflatedSize],
    [4, entry.size],
  ]);
}

function composeCentralHeader(entry: EntryFacts): Uint8Array {
  const head = [
    [4, CENTRAL_HEADER],
    [2, VERSION],
    [2, VERSION],
    [2, FLAGS],
    [2, DEFLATED],
  ] as const;
  const times = [
    [2, 0],
    [2, DOS_DATE],
  ] as const;
  const facts = [
    [4, entry.crc32],
    [4, entry.deflatedSize],
    [4, entry.size],
  ] as const;
  const rest = [
    [2, 0],
    [2, 0],
    [2, 0],
    [2, 0],
    [4, 0],
    [4, entry.offset],
  ] as const;
  const nameLength = encodeText(entry.name).length;
  return compose([...head, ...times, ...facts, [2, nameLength], ...rest], entry.name);
}

function composeEnd(count: number, offset: number, size: number): Uint8Array {
  const head = [
    [4, END_OF_DIRECTORY],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
  ] as const;
  return compose([...head, [4, size], [4, offset], [2, 0]]);
}
