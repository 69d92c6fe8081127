import type { Renderers } from "./renderer.ts";

/** Loaded when the first file is made: exceljs and pdf-lib cost time and memory that `--version` shall not pay. */
export async function loadRenderers(): Promise<Renderers> {
  const [csv, xlsx, pdf, parquet] = await Promise.all([
    import("./csv.ts"),
    import("./xlsx/renderer.ts"),
    import("./pdf/renderer.ts"),
    import("./parquet.ts"),
  ]);
  return {
    CSV: csv.createCsvRenderer,
    EXCEL: xlsx.createXlsxRenderer,
    PDF: pdf.createPdfRenderer,
    PARQUET: parquet.createParquetRenderer,
  };
}
