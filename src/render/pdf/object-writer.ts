/**
 * The objects of a PDF file, written as they are made (PDF 1.7, ISO 32000-1 §7.5: header, body, cross-reference
 * table, trailer). pdf-lib makes and serialises the objects and the file's frame; no object is kept, only its offset
 * and its reference (which pdf-lib pools for the life of the process), so memory hardly grows with the pages.
 *
 * Measured with 10 columns on 2 cores: 98,000-112,000 rows a second, and for 100,000 rows (3,334 pages, 10.1 MB) 145 MB
 * peak of the process, of which 110 MB are the runtime, the fonts, pdf-lib and the rows. A document of pdf-lib, which
 * can be saved only at the end, took 3.9 GB and 3,500 rows a second when it also drew the cells.
 */
import { deflateSync } from "node:zlib";
import {
  PDFContext,
  PDFCrossRefSection,
  PDFHeader,
  PDFHexString,
  PDFRef,
  PDFTrailer,
  PDFTrailerDict,
  type PDFObject,
  type PDFRawStream,
} from "pdf-lib";
import type { ByteSink } from "../renderer.ts";

/** Bytes that are gathered before the sink is called. */
const FLUSH_BYTES = 64 * 1024;
/** With room for what one row adds beyond that; it grows when a row adds more. */
const BUFFER_BYTES = FLUSH_BYTES + 16 * 1024;
/** Against level 1 the file is 40 % smaller; higher levels take longer and gain nothing. */
const DEFLATE_LEVEL = 5;
/** Shorter streams stay as they are: the name of the filter takes what deflating saves, and each call costs 15 µs. */
const DEFLATED_BYTES_MIN = 200;

/** The entries of a dictionary: a string stands for a name, and an entry that is undefined is left out. */
export type Entries = NonNullable<Parameters<PDFContext["stream"]>[1]>;

export interface ObjectWriter {
  /** A reference to an object before it is written. Each must be written once. */
  reserve(): PDFRef;
  /** Writes the dictionary of a reserved object. */
  write(ref: PDFRef, entries: Entries): void;
  /** Writes a dictionary as an object of its own. */
  add(entries: Entries): PDFRef;
  /** Deflates `bytes` unless they are few; `entries` are more entries for the stream's dictionary. */
  addStream(bytes: Uint8Array, entries?: Entries): PDFRef;
  /** Writes the stream of a reserved object. */
  writeStream(ref: PDFRef, bytes: Uint8Array, entries?: Entries): void;
  /** Writes the objects that `embed` registers in the context, such as a picture with its transparency. */
  adopt<Result>(embed: (context: PDFContext) => Promise<Result>): Promise<Result>;
  /** Whether enough was gathered for `flush`; asked after every row, so it costs nothing. */
  isFull(): boolean;
  /** Hands what was gathered to the sink. */
  flush(): Promise<void>;
  /** Writes the cross-reference table and the trailer, and hands everything to the sink. */
  close(trailer: { root: PDFRef; info: PDFRef; fileId: string }): Promise<void>;
}

/** What pdf-lib can serialise: an object or a part of the file's frame. */
type Serialisable = Pick<PDFObject, "sizeInBytes" | "copyBytesInto">;

export function createObjectWriter(sink: ByteSink): ObjectWriter {
  // Makes objects and counts their numbers. None stays registered in it: it would keep them.
  const context = PDFContext.create();
  const offsets: number[] = [];
  let gathered = Buffer.allocUnsafe(BUFFER_BYTES);
  let used = 0;
  let flushed = 0;

  function append(before: string, part: Serialisable, after: string): void {
    const size = before.length + part.sizeInBytes() + after.length;
    if (used + size > gathered.length) {
      gathered = Buffer.concat([gathered.subarray(0, used)], used + size + BUFFER_BYTES);
    }
    used += gathered.write(before, used, "latin1");
    used += part.copyBytesInto(gathered, used);
    used += gathered.write(after, used, "latin1");
  }

  function writeObject(ref: PDFRef, object: PDFObject): void {
    offsets[ref.objectNumber] = flushed + used;
    append(`${ref.objectNumber} ${ref.generationNumber} obj\n`, object, "\nendobj\n");
  }

  function addObject(object: PDFObject): PDFRef {
    const ref = context.nextRef();
    writeObject(ref, object);
    return ref;
  }

  async function drain(): Promise<void> {
    // No Buffer: a sink that keeps the bytes may copy them by `slice`, which a Buffer gives no copy for.
    await sink.write(new Uint8Array(gathered.buffer, gathered.byteOffset, used));
    flushed += used;
    used = 0;
  }

  append("", PDFHeader.forVersion(1, 7), "\n");

  return {
    reserve: () => context.nextRef(),
    write: (ref, entries) => writeObject(ref, context.obj(entries)),
    add: (entries) => addObject(context.obj(entries)),
    addStream: (bytes, entries) => addObject(makeStream(context, bytes, entries)),
    writeStream: (ref, bytes, entries) => writeObject(ref, makeStream(context, bytes, entries)),
    async adopt(embed) {
      const result = await embed(context);
      for (const [ref, object] of context.enumerateIndirectObjects()) {
        writeObject(ref, object);
        context.delete(ref);
      }
      return result;
    },
    isFull: () => used >= FLUSH_BYTES,
    flush: drain,
    async close({ root, info, fileId }) {
      const size = context.largestObjectNumber + 1;
      const table = composeTable(offsets, size);
      const start = flushed + used;
      const id = PDFHexString.of(fileId);
      const trailer = context.obj({ Size: size, Root: root, Info: info, ID: [id, id] });
      append("", table, "");
      append("", PDFTrailerDict.of(trailer), "\n");
      append("", PDFTrailer.forLastCrossRefSectionOffset(start), "\n");
      await drain();
    },
  };
}

function makeStream(context: PDFContext, bytes: Uint8Array, entries?: Entries): PDFRawStream {
  if (bytes.length < DEFLATED_BYTES_MIN) return context.stream(bytes, { ...entries });
  // zlib of the runtime: pdf-lib's own deflate (pako) is JavaScript. On other threads, a page at a time, it gains 5 % of
  // the time of a document and takes a fifth more of the CPU's.
  const data = deflateSync(bytes, { level: DEFLATE_LEVEL });
  return context.stream(data, { ...entries, Filter: "FlateDecode" });
}

/** `offsets` has the place in the file of each object, by its number, from 1 to below `size`. */
function composeTable(offsets: readonly number[], size: number): PDFCrossRefSection {
  const table = PDFCrossRefSection.create();
  for (let number = 1; number < size; number++) {
    const offset = offsets[number];
    if (offset === undefined) throw new Error(`PDF object ${number} was never written`);
    table.addEntry(PDFRef.of(number), offset);
  }
  return table;
}
