import { refuse } from "./row-text.ts";
import { type Cell, type Column, isTrueCell } from "./table.ts";

const KEY_TYPES: ReadonlySet<string> = new Set(["text", "fixed", "boolean", "date"]);

/** Throws ReportError `invalid_report`: a time or a float has no one text that two queries agree on. */
export function checkKeyColumn(name: string, { name: column, type }: Column): void {
  if (KEY_TYPES.has(type)) return;
  refuse(
    name,
    `the column ${column} is ${type.toUpperCase()}, which is no key; cast it to VARCHAR`,
  );
}

const DAY_MS = 86_400_000;

/** A cell as the text that Snowflake makes of it: 12.50, true, 2026-03-02. */
export function keyText({ type }: Column, cell: Cell): string | null {
  if (cell === null) return null;
  if (type === "boolean") return isTrueCell(cell) ? "true" : "false";
  if (type !== "date") return cell;
  return new Date(Number(cell) * DAY_MS).toISOString().slice(0, 10);
}
