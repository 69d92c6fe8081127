/**
 * HarfBuzz: which glyphs show a text, in which order and where. The WebAssembly module of harfbuzzjs is used without
 * its own loader, which cannot be started synchronously and finds its module only in a folder. It is compiled when
 * the first text needs it (30 ms, 445 kB); nothing of it is touched before.
 */
import wasmPath from "harfbuzzjs/dist/harfbuzz.wasm" with { type: "file" };
import type { FontFile } from "./font-files.ts";
import {
  compileNative,
  copyIn,
  openNative,
  type NativeBytes,
  type NativeLibrary,
} from "./font-native.ts";

/** Lengths in units of the font. */
export interface ShapedGlyph {
  readonly glyphId: number;
  /** Where the characters that it shows begin in the text. */
  readonly cluster: number;
  readonly advance: number;
  readonly offsetX: number;
  readonly offsetY: number;
}

/** The functions of HarfBuzz's C interface that are used. */
const FUNCTIONS = [
  "__wasm_call_ctors",
  "malloc",
  "hb_blob_create",
  "hb_face_create",
  "hb_font_create",
  "hb_buffer_create",
  "hb_buffer_clear_contents",
  "hb_buffer_set_cluster_level",
  "hb_buffer_set_direction",
  "hb_buffer_guess_segment_properties",
  "hb_buffer_add_utf16",
  "hb_buffer_get_length",
  "hb_buffer_get_glyph_infos",
  "hb_buffer_get_glyph_positions",
  "hb_shape",
] as const;

type HarfBuzz = NativeLibrary<(typeof FUNCTIONS)[number]>;

export type ShapeText = (
  file: FontFile,
  text: string,
  direction: "leftToRight" | "rightToLeft",
) => ShapedGlyph[];

const MEMORY_MODE_READONLY = 1;
/** Marks keep a cluster of their own, so that each reads back as itself. */
const CLUSTERS_MONOTONE_CHARACTERS = 1;
const DIRECTIONS = { leftToRight: 4, rightToLeft: 5 } as const;
/** hb_glyph_info_t and hb_glyph_position_t are five 32-bit numbers each. */
const RECORD_WORDS = 5;
const PAGE_BYTES = 65_536;
/** Room for texts at first; it grows. */
const TEXT_BYTES = 4096;

let engine: ShapeText | undefined;

/** Compiled at the first call, then the same for the life of the process. */
export function openShapeEngine(): ShapeText {
  engine ??= createShapeEngine();
  return engine;
}

function createShapeEngine(): ShapeText {
  const harfbuzz = openHarfBuzz();
  const buffer = harfbuzz.call("hb_buffer_create");
  harfbuzz.call("hb_buffer_set_cluster_level", buffer, CLUSTERS_MONOTONE_CHARACTERS);
  const fonts = new Map<FontFile, number>();
  const copyText = createTextMemory(harfbuzz);

  function fontOf(file: FontFile): number {
    const font = fonts.get(file) ?? createFont(harfbuzz, file);
    fonts.set(file, font);
    return font;
  }

  return (file, text, direction) => {
    const font = fontOf(file);
    harfbuzz.call("hb_buffer_clear_contents", buffer);
    harfbuzz.call("hb_buffer_add_utf16", buffer, copyText(text), text.length, 0, text.length);
    harfbuzz.call("hb_buffer_set_direction", buffer, DIRECTIONS[direction]);
    harfbuzz.call("hb_buffer_guess_segment_properties", buffer);
    harfbuzz.call("hb_shape", font, buffer, 0, 0);
    return readGlyphs(harfbuzz, buffer);
  };
}

function openHarfBuzz(): HarfBuzz {
  const refuse = (name: string) => (): never => {
    throw new Error(`HarfBuzz called ${name}`);
  };
  const imports = {
    wasi_snapshot_preview1: { proc_exit: refuse("proc_exit") },
    env: {
      _abort_js: refuse("abort"),
      _setitimer_js: refuse("setitimer"),
      _emscripten_runtime_keepalive_clear: refuse("keepalive_clear"),
      emscripten_resize_heap: (size: number): number => grow(harfbuzz.memory, size),
    },
  };
  const harfbuzz = openNative(compileNative(wasmPath), imports, FUNCTIONS);
  harfbuzz.call("__wasm_call_ctors");
  return harfbuzz;
}

/** 1 when the memory has `size` bytes now, else 0: malloc then returns 0. */
function grow(memory: WebAssembly.Memory, size: number): number {
  try {
    memory.grow(Math.ceil((size - memory.buffer.byteLength) / PAGE_BYTES));
    return 1;
  } catch {
    return 0;
  }
}

function allocate(harfbuzz: HarfBuzz, bytes: Uint8Array): NativeBytes {
  const place = copyIn(harfbuzz, bytes);
  if (place === null) throw new Error(`HarfBuzz has no memory for ${bytes.length} bytes`);
  return place;
}

/** A font stays for the life of the process, as the font files that are used do. */
function createFont(harfbuzz: HarfBuzz, { bytes, index }: FontFile): number {
  const { at, length } = allocate(harfbuzz, bytes);
  const blob = harfbuzz.call("hb_blob_create", at, length, MEMORY_MODE_READONLY, 0, 0);
  return harfbuzz.call("hb_font_create", harfbuzz.call("hb_face_create", blob, index));
}

/** Copies a text as UTF-16 to a place that the next text overwrites. */
function createTextMemory(harfbuzz: HarfBuzz): (text: string) => number {
  let place = allocate(harfbuzz, new Uint8Array(TEXT_BYTES));
  return (text) => {
    const size = 2 * text.length;
    if (size > place.length) place = allocate(harfbuzz, new Uint8Array(2 * size));
    Buffer.from(harfbuzz.memory.buffer).write(text, place.at, "utf16le");
    return place.at;
  };
}

function readGlyphs(harfbuzz: HarfBuzz, buffer: number): ShapedGlyph[] {
  const count = harfbuzz.call("hb_buffer_get_length", buffer);
  const infos = new Uint32Array(
    harfbuzz.memory.buffer,
    harfbuzz.call("hb_buffer_get_glyph_infos", buffer, 0),
    count * RECORD_WORDS,
  );
  const positions = new Int32Array(
    harfbuzz.memory.buffer,
    harfbuzz.call("hb_buffer_get_glyph_positions", buffer, 0),
    count * RECORD_WORDS,
  );
  return Array.from({ length: count }, (_, glyph) => {
    const at = glyph * RECORD_WORDS;
    return {
      glyphId: infos[at] ?? 0,
      cluster: infos[at + 2] ?? 0,
      advance: positions[at] ?? 0,
      offsetX: positions[at + 2] ?? 0,
      offsetY: positions[at + 3] ?? 0,
    };
  });
}
