import {
  BURST_SQL,
  type FailedRecipient,
  identityOf,
  type Recipient,
  type RecipientMark,
  refuseUnloaded,
} from "./burst.ts";
import { checkKeyColumn, keyText } from "./burst-key.ts";
import { ReportError } from "./errors.ts";
import { isLocale, isTimezone } from "./options.ts";
import { type Parameters, readParameters } from "./parameter-values.ts";
import { isEmail } from "./recipients.ts";
import { parseFormats, refuse } from "./row-text.ts";
import type { Column, Row } from "./table.ts";

const KEY_LENGTH_MAX = 256;
const EMAIL_LENGTH_MAX = 320;

const COLUMNS = [
  "KEY",
  "EMAIL",
  "PARAMETERS",
  "FILE_NAME",
  "FORMAT",
  "LOCALE",
  "TIMEZONE",
] as const;
type ColumnName = (typeof COLUMNS)[number];
type ColumnPlaces = ReadonlyMap<ColumnName, { readonly column: Column; readonly at: number }>;

/**
 * The recipients in the rows of the burst SQL, each once. A row that is wrong is a recipient who failed, under a name
 * by which it can be found; it stops nobody else. Throws ReportError `invalid_report` when the columns are wrong.
 */
export function readRecipients(
  columns: readonly Column[],
  rows: readonly Row[],
  isSplit: boolean,
): { recipients: Recipient[]; failed: FailedRecipient[] } {
  const places = placeColumns(columns, isSplit);
  const recipients = new Map<string, Recipient>();
  const failed = new Map<string, FailedRecipient>();
  for (const [index, row] of rows.entries()) {
    const mark = labelRow(row, places, index + 1);
    const identity = identityOf(mark);
    try {
      if (recipients.has(identity)) {
        refuse("KEY", `"${mark.key}" is there more than once for ${mark.email}`);
      }
      const recipient = readRecipient(row, places);
      if (!failed.has(identity)) recipients.set(identity, recipient);
    } catch (thrown) {
      recipients.delete(identity);
      failed.set(identity, { ...mark, error: refusal(thrown) });
    }
  }
  return { recipients: [...recipients.values()], failed: [...failed.values()] };
}

/** Throws ReportError `invalid_report` that names the column. */
function placeColumns(columns: readonly Column[], isSplit: boolean): ColumnPlaces {
  const places = new Map<ColumnName, { column: Column; at: number }>();
  for (const [at, column] of columns.entries()) {
    const name = COLUMNS.find((known) => known === column.name.toUpperCase());
    if (name === undefined) {
      refuse(BURST_SQL, `has a column ${column.name}, which is not one of ${COLUMNS.join(", ")}`);
    }
    if (places.has(name)) refuse(BURST_SQL, `has a column ${name} more than once`);
    places.set(name, { column, at });
  }
  for (const name of ["KEY", "EMAIL"] as const) {
    if (!places.has(name)) refuse(BURST_SQL, `has no column ${name}`);
  }
  if (isSplit && places.has("PARAMETERS")) {
    refuse(
      BURST_SQL,
      "has a column PARAMETERS, but with splitBy the SQL is run once for everybody",
    );
  }
  const key = places.get("KEY");
  if (key !== undefined) checkKeyColumn(BURST_SQL, key.column);
  return places;
}

function textAt(row: Row, places: ColumnPlaces, name: ColumnName): string | null {
  const place = places.get(name);
  const text = place === undefined ? null : (row[place.at] ?? null);
  return text === null || text.trim() === "" ? null : text.trim();
}

function keyAt(row: Row, places: ColumnPlaces): string {
  const place = places.get("KEY");
  return place === undefined ? "" : (keyText(place.column, row[place.at] ?? null) ?? "");
}

/** What a wrong row is called: the ledger needs a key and an address of all. */
function labelRow(row: Row, places: ColumnPlaces, rowNumber: number): RecipientMark {
  const key = keyAt(row, places).replace(/\p{Cc}+/gu, " ");
  const email = (textAt(row, places, "EMAIL") ?? "").replace(/\p{Cc}+/gu, " ");
  return {
    key: key === "" ? `(row ${rowNumber})` : key.slice(0, KEY_LENGTH_MAX),
    email: email === "" ? "(no address)" : email.slice(0, EMAIL_LENGTH_MAX),
  };
}

function readRecipient(row: Row, places: ColumnPlaces): Recipient {
  const read = <T>(name: ColumnName, parse: (text: string) => T): T | null => {
    const text = textAt(row, places, name);
    return text === null ? null : parse(text);
  };
  return {
    key: parseKey(keyAt(row, places)),
    email: read("EMAIL", parseAddress) ?? refuse("EMAIL", "is empty"),
    parameters: read("PARAMETERS", parseParameters) ?? {},
    formats: read("FORMAT", (text) => refuseUnloaded("FORMAT", parseFormats("FORMAT", text))),
    fileName: read("FILE_NAME", parseFileName),
    locale: read("LOCALE", (text) =>
      isLocale(text) ? text : refuse("LOCALE", `"${text}" is not a locale`),
    ),
    timezone: read("TIMEZONE", (text) =>
      isTimezone(text) ? text : refuse("TIMEZONE", `"${text}" is not an IANA time zone`),
    ),
  };
}

function parseKey(key: string): string {
  if (key.trim() === "") refuse("KEY", "is empty");
  if (key.length > KEY_LENGTH_MAX) refuse("KEY", `is longer than ${KEY_LENGTH_MAX} characters`);
  if (/\p{Cc}/u.test(key)) refuse("KEY", "has a control character or a line break");
  return key;
}

function parseAddress(text: string): string {
  if (!isEmail(text) || text.length > EMAIL_LENGTH_MAX) {
    refuse("EMAIL", `"${text.slice(0, 100)}" is not an e-mail address`);
  }
  return text;
}

function parseFileName(text: string): string {
  return /[A-Za-z0-9]/.test(text.normalize("NFKD"))
    ? text
    : refuse(
        "FILE_NAME",
        `"${text.slice(0, 100)}" has no letter or digit that a file's name may have`,
      );
}

/** Never quotes the text: a value may be a secret. */
function parseParameters(text: string): Parameters {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    refuse("PARAMETERS", "is not JSON");
  }
  const read = readParameters(json);
  return "problems" in read ? refuse("PARAMETERS", read.problems.join("; ")) : read.parameters;
}

/** A wrong row is no reason to stop a SCHEDULED report for good, as a wrong report is. */
function refusal(thrown: unknown): ReportError {
  if (!(thrown instanceof ReportError)) throw thrown;
  return new ReportError("recipient_refused", thrown.message, { cause: thrown });
}
