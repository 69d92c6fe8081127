/** The fonts that one document uses, each a font resource of its own. */
import type { FontFile, FontWeight } from "./font-files.ts";
import { createSignTable, type Sign, type SignTable } from "./signs.ts";

export interface FontUse {
  /** The resource name in content streams. */
  readonly name: string;
  readonly file: FontFile;
  readonly weight: FontWeight;
  /** Its size where the text around it has the size 1. */
  readonly scale: number;
  readonly table: SignTable;
  readonly signs: readonly Sign[];
}

export interface FontUses {
  /** The use of a font file; made when it is first asked for. The first file is "F1", the next "F2". */
  of(file: FontFile, weight: FontWeight, scale?: number): FontUse;
  list(): readonly FontUse[];
}

export function createFontUses(): FontUses {
  const uses = new Map<FontFile, FontUse>();
  return {
    of(file, weight, scale = 1) {
      const known = uses.get(file);
      if (known !== undefined) return known;
      const table = createSignTable(file);
      const name = `F${uses.size + 1}`;
      const use = { name, file, weight, scale, table, signs: table.signs };
      uses.set(file, use);
      return use;
    },
    list: () => [...uses.values()],
  };
}
