import { createByteBuffer, encodeText, type ByteBuffer } from "../byte-buffer.ts";
import { PIECES_IN_FLIGHT_MAX } from "../deflate.ts";
import { completeHead, completeTail, sheetPartName } from "./parts.ts";
import type { SheetFacts, WorkbookPlan, WorkbookTemplate } from "./workbook.ts";
import type { ZipEntryWriter, ZipWriter } from "./zip.ts";

const FLUSH_BYTES = 256 * 1024;

/** The data sheets, one after another. A row is written to the buffer once `position.row` is its number. */
export interface Sheets {
  readonly buffer: ByteBuffer;
  /** Of the last row; moved by whoever writes one. */
  readonly position: { sheet: number; row: number };
  /** When the sheet is full, or the buffer: to be called before a row. */
  makeRoom(): Promise<void>;
  needsRoom(): boolean;
  /** Ends the last sheet; the rows after `lastFilteredRow` stay where they are when the others are filtered. */
  finish(lastFilteredRow: number): Promise<readonly SheetFacts[]>;
}

export interface SheetLimits {
  /** The last row of a full sheet. */
  readonly lastRowMax: number;
  /** Rows in all, with the header of one sheet; null when it is not known. */
  readonly rowCount: number | null;
}

export async function openSheets(
  zip: ZipWriter,
  plan: WorkbookPlan,
  template: WorkbookTemplate,
  { lastRowMax, rowCount }: SheetLimits,
): Promise<Sheets> {
  const { buffer, turn } = createBufferRing();
  const position = { sheet: 0, row: 1 };
  const facts: SheetFacts[] = [];
  let entry = await open();

  async function open(): Promise<ZipEntryWriter> {
    const { sheet } = position;
    const before = sheet * (lastRowMax - 1);
    const lastRow = rowCount === null ? null : Math.min(rowCount - before, lastRowMax);
    const opened = await zip.open(sheetPartName(sheet));
    const frame = sheet === 0 ? template.first : template.next;
    await opened.write(encodeText(completeHead(frame, plan, lastRow)));
    return opened;
  }
  async function flush(): Promise<void> {
    if (buffer.length > 0) await entry.write(turn());
  }
  async function close(lastFilteredRow: number): Promise<void> {
    await flush();
    const sheet = { lastRow: position.row, lastFilteredRow };
    const frame = position.sheet === 0 ? template.first : template.next;
    await entry.write(encodeText(completeTail(frame, plan, sheet)));
    await entry.close();
    facts.push(sheet);
  }
  return {
    buffer,
    position,
    needsRoom: () => position.row === lastRowMax || buffer.length >= FLUSH_BYTES,
    async makeRoom() {
      if (buffer.length >= FLUSH_BYTES) await flush();
      if (position.row < lastRowMax) return;
      await close(position.row);
      position.sheet++;
      position.row = 1;
      entry = await open();
    },
    async finish(lastFilteredRow) {
      await close(lastFilteredRow);
      return facts;
    },
  };
}

/**
 * A buffer whose bytes are deflated where they are, while the next are written into those that were deflated before:
 * a copy of each piece would be 600 MB of garbage for a million rows.
 */
function createBufferRing(): { buffer: ByteBuffer; turn: () => Uint8Array } {
  const buffer = createByteBuffer(2 * FLUSH_BYTES);
  const others: Uint8Array[] = Array.from(
    { length: PIECES_IN_FLIGHT_MAX },
    () => new Uint8Array(buffer.bytes.length),
  );
  return {
    buffer,
    turn() {
      const { bytes, length } = buffer;
      others.push(bytes);
      buffer.bytes = others.shift() ?? new Uint8Array(bytes.length);
      buffer.length = 0;
      return bytes.subarray(0, length);
    },
  };
}
