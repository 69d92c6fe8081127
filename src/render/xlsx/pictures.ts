import type { Workbook, Worksheet } from "exceljs";
import type { ImageSize } from "./image-size.ts";
import { CHART_SHEET } from "./sheet-name.ts";

export interface Picture {
  readonly bytes: Uint8Array;
  readonly extension: "png" | "jpeg";
  /** Pixels, 96 to the inch. */
  readonly size: ImageSize;
}

/** As wide as a sheet in a window of a usual screen shows without scrolling. */
export const CHART_SIZE: ImageSize = { width: 960, height: 540 };

/**
 * A sheet of its own behind the data. Beside the rows the picture would be off the screen in a wide table, be squeezed
 * by a filter, and cover cells; before them it would take the place of the first sheet, which is what pandas, Power
 * Query and converters to CSV read.
 */
export function addChartSheet(workbook: Workbook, bytes: Uint8Array): void {
  const sheet = workbook.addWorksheet(CHART_SHEET, {
    views: [{ showGridLines: false }],
    pageSetup: { orientation: "landscape", fitToPage: true, fitToWidth: 1, fitToHeight: 1 },
  });
  placePicture(workbook, sheet, { bytes, extension: "png", size: CHART_SIZE });
}

/** Puts the picture at the sheet's upper left corner; sorting and filtering do not stretch it. */
export function placePicture(
  workbook: Workbook,
  sheet: Worksheet,
  { bytes, extension, size }: Picture,
): void {
  const image = workbook.addImage({ buffer: new Uint8Array(bytes).buffer, extension });
  sheet.addImage(image, { tl: { col: 0, row: 0 }, ext: size });
}
