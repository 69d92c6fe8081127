/** A literal of Snowflake's SQL; in it a backslash escapes. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** A column of the result, which the statements call R: a name of the file's own may be the same. */
export function nameColumn(name: string): string {
  return `R.${quoteName(name)}`;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
