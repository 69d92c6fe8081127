import { createTally, type WarningTally } from "../cell-warnings.ts";
import { cutText } from "../../report/short-text.ts";

/** Source: "Excel specifications and limits", total characters that a cell can contain. Counted in UTF-16 units. */
const CELL_LENGTH_MAX = 32_767;
const CUT_MARK = "… [cut]";

/**
 * What a cell can hold of a text: at most 32,767 units, no half characters, and characters that XML cannot hold
 * as _xHHHH_ (ECMA-376 part 1, 22.9.2.19 ST_Xstring). A text that already reads like such an escape is escaped
 * itself, so that every reader sees it as it was. Carriage returns too: XML would turn them into line feeds.
 */
export function fitText(text: string, tally: WarningTally): string {
  let fitted = text;
  if (fitted.length > CELL_LENGTH_MAX) {
    tally.cell_truncated++;
    fitted = cutText(fitted, CELL_LENGTH_MAX - CUT_MARK.length) + CUT_MARK;
  }
  if (!fitted.isWellFormed()) {
    tally.lone_surrogate++;
    fitted = fitted.toWellFormed();
  }
  if (CONTROLS.test(fitted)) tally.control_character++;
  return escapeControls(fitted);
}

const DELETE = "\u007F";
/** No character, so that no fitted text has it. */
const DELETE_STAND_IN = "\uFFFE";

/** Whether `fitText` loses something of the text; what it escapes is read as it was. */
export function isChanged(text: string): boolean {
  return text.length > CELL_LENGTH_MAX || !text.isWellFormed();
}

/**
 * A text for exceljs to write, such as a label. What is lost of it is found by `findChangedLabels`. A delete character
 * can stand in XML, but exceljs 4.4.0 drops it: see `restoreLabels`.
 */
export function fitLabel(text: string): string {
  return fitText(text, createTally()).replaceAll(DELETE, DELETE_STAND_IN);
}

/** XML that exceljs wrote, with what `fitLabel` took from it. */
export function restoreLabels(xml: string): string {
  return xml.replaceAll(DELETE_STAND_IN, DELETE);
}

/** Text for an XML element. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Whether the text can stand in XML as it is, without a change of any kind. */
export function isPlainText(text: string): boolean {
  if (text.length > CELL_LENGTH_MAX) return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code >= 0xd800) return false;
    if (code === 0x26 || code === 0x3c || code === 0x3e) return false;
    if (code === 0x5f && text.charCodeAt(index + 1) === 0x78) return false;
  }
  return true;
}

/** Readers may drop white space at the ends, and around line breaks, unless they are told not to. */
export function needsSpacePreserved(text: string): boolean {
  return /^[ \t\n]|[\t\n]|[ \t\n]$/.test(text);
}

const CONTROL_CLASS = String.raw`\u0000-\u0008\u000B-\u001F\uFFFE\uFFFF`;
const CONTROLS = new RegExp(`[${CONTROL_CLASS}]`);
const ALL_CONTROLS = new RegExp(`[${CONTROL_CLASS}]`, "g");
/** An underscore that, with what follows it once that is escaped, would be read as an escape. */
const FALSE_ESCAPES = new RegExp(`_(?=x[0-9A-Fa-f]{4}[_${CONTROL_CLASS}])`, "g");

function escapeControls(text: string): string {
  return text
    .replace(FALSE_ESCAPES, "_x005F_")
    .replace(
      ALL_CONTROLS,
      (control) => `_x${control.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`,
    );
}
