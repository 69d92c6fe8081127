/** Names in FROM for what has none of its own. No identifier is one of them by chance: they begin with a sign. */

import type { Moment } from "../engine/table-versions.ts";

/** `"@RESULT"."query id"."RESULT_SCAN"`. */
export const RESULT_CATALOG = "@RESULT";
/** `"@PAST"."a PastName as JSON"."TABLE"`. */
export const PAST_CATALOG = "@PAST";

/** A table or view at a moment. */
export interface PastName {
  readonly path: readonly [string, string, string];
  readonly moment: Moment;
}

export function writePastName(name: PastName): string {
  return JSON.stringify(name);
}

export function readPastName(text: string): PastName {
  const name: PastName = JSON.parse(text);
  return name;
}
