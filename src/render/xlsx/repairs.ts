import { encodeText } from "../byte-buffer.ts";
import { readText, type Parts } from "./parts.ts";
import { quoteSheetName } from "./sheet-name.ts";
import { escapeXml, restoreLabels } from "./text.ts";

/**
 * What exceljs 4.4.0 writes otherwise than ECMA-376 has it: an apostrophe in a sheet's name is not doubled where the
 * name stands between apostrophes, and a oneCellAnchor has no editAs (part 1, 20.5.2.24; openpyxl drops the picture).
 * It also drops delete characters, which `fitLabel` hides from it. A picture gets the text that is read out in its
 * place; `pictures` is in the order of the sheets.
 */
export function repairParts(
  parts: Parts,
  sheetNames: readonly string[],
  pictures: readonly string[],
): Parts {
  const repaired = new Map(parts);
  const repair = (name: string, work: (xml: string) => string) =>
    repaired.set(name, encodeText(work(readText(repaired, name))));
  repair("xl/workbook.xml", (xml) => doubleApostrophes(xml, sheetNames));
  for (const [index, description] of pictures.entries()) {
    repair(`xl/drawings/drawing${index + 1}.xml`, (xml) => repairDrawing(xml, description));
  }
  for (const name of parts.keys()) if (name.endsWith(".xml")) repair(name, restoreLabels);
  return repaired;
}

function doubleApostrophes(workbook: string, sheetNames: readonly string[]): string {
  return sheetNames
    .filter((name) => name.includes("'"))
    .reduce(
      (xml, name) =>
        xml.replaceAll(`${escapeAll(`'${name}'`)}!`, () => `${escapeAll(quoteSheetName(name))}!`),
      workbook,
    );
}

/** The extension names one and the same creation for every picture. */
function repairDrawing(drawing: string, description: string): string {
  return drawing
    .replaceAll(/<xdr:oneCellAnchor editAs="[^"]*">/g, "<xdr:oneCellAnchor>")
    .replaceAll(/<a:extLst>.*?<\/a:extLst>/gs, "")
    .replace(
      /(<xdr:cNvPr id="\d+" name="[^"]*")/,
      (start) => `${start} descr="${escapeAll(description)}"`,
    );
}

/** For an attribute, and as exceljs writes text. */
function escapeAll(text: string): string {
  return escapeXml(text).replaceAll('"', "&quot;").replaceAll("'", "&apos;");
}
