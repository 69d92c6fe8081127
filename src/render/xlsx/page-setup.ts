import type { PageSetup } from "exceljs";
import type { PageOptions } from "../../report/options.ts";

/** Source: ECMA-376 part 1, 18.3.1.63 pageSetup. */
const PAPER_SIZES = { A4: 9, Letter: 1 } as const;
/** Characters of a portrait page at the usual size; wider tables are printed on landscape paper. */
const PORTRAIT_CHARACTERS_MAX = 90;
const MILLIMETRES_PER_INCH = 25.4;
/** Excel's own, in inches. */
const MARGINS = { left: 0.7, right: 0.7, top: 0.75, bottom: 0.75 } as const;
const FOOTER_MARGIN = 0.3;

/** How a sheet of so many characters across is printed: one page wide, the header on each page. */
export function setUpPages(
  { size, orientation, margins }: PageOptions,
  characters: number,
): Omit<Partial<PageSetup>, "paperSize"> & { readonly paperSize: number } {
  const fitting = characters > PORTRAIT_CHARACTERS_MAX ? "landscape" : "portrait";
  return {
    paperSize: PAPER_SIZES[size],
    orientation: orientation === "auto" ? fitting : orientation,
    fitToPage: true,
    fitToWidth: 1,
    fitToHeight: 0,
    printTitlesRow: "1:1",
    margins: setMargins(margins),
  };
}

function setMargins(options: PageOptions["margins"]): PageSetup["margins"] {
  const side = (name: keyof typeof MARGINS): number => {
    const millimetres = options?.[name];
    return millimetres === undefined ? MARGINS[name] : millimetres / MILLIMETRES_PER_INCH;
  };
  const bottom = side("bottom");
  return {
    left: side("left"),
    right: side("right"),
    top: side("top"),
    bottom,
    header: Math.min(FOOTER_MARGIN, side("top") / 2),
    footer: Math.min(FOOTER_MARGIN, bottom / 2),
  };
}
