/**
 * The family that reports are set in: Source Sans 3 (SIL Open Font License 1.1), regular and semibold. Its digits
 * share one width, so columns of numbers align; it covers Latin with Vietnamese, Greek, Cyrillic, currency signs,
 * arrows and common symbols. Read and parsed when the first report is printed, then kept (65 ms).
 */
import boldPath from "@expo-google-fonts/source-sans-3/600SemiBold/SourceSans3_600SemiBold.ttf" with { type: "file" };
import regularPath from "@expo-google-fonts/source-sans-3/400Regular/SourceSans3_400Regular.ttf" with { type: "file" };
import type { Font } from "@pdf-lib/fontkit";

export interface FontFile {
  readonly font: Font;
  /** The whole file. */
  readonly bytes: Uint8Array;
}

export interface FontFamily {
  readonly regular: FontFile;
  readonly bold: FontFile;
}

let family: Promise<FontFamily> | undefined;

export function loadFontFamily(): Promise<FontFamily> {
  family ??= readFontFamily();
  return family;
}

async function readFontFamily(): Promise<FontFamily> {
  const { default: fontkit } = await import("@pdf-lib/fontkit");
  const [regular, bold] = await Promise.all([
    Bun.file(regularPath).bytes(),
    Bun.file(boldPath).bytes(),
  ]);
  return {
    regular: { font: fontkit.create(regular), bytes: regular },
    bold: { font: fontkit.create(bold), bytes: bold },
  };
}
