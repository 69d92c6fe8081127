import {
  address,
  balance,
  comment,
  draw,
  drawBetween,
  fromCents,
  phone,
  pick,
  writeList,
} from "./tpch-random.ts";
import type { TpchScale } from "./tpch-scale.ts";
import {
  COLORS,
  CONTAINER_KINDS,
  CONTAINER_SIZES,
  INSTRUCTIONS,
  NATIONS,
  PRIORITIES,
  REGIONS,
  SEGMENTS,
  SHIP_MODES,
  TYPE_FINISHES,
  TYPE_METALS,
  TYPE_SIZES,
} from "./tpch-words.ts";

/**
 * One SELECT (DuckDB) for each table, whose columns are in the table's order. Rules and ranges: TPC-H specification,
 * revision 3.0.1, section 4.2.3.
 */

/** What the draws of a table's row depend on: no two tables have a key in common. */
const KEYS = {
  region: "(i * 8)",
  nation: "(i * 8 + 1)",
  part: "(p * 8 + 2)",
  supplier: "(s * 8 + 3)",
  partsupp: "((p * 4 + n) * 8 + 4)",
  customer: "(c * 8 + 5)",
  order: "(i * 8 + 6)",
  lineItem: "((i * 8 + n) * 8 + 7)",
} as const;

export function regionRows(): string {
  return `SELECT i, ${writeList(REGIONS)}[1 + i], ${comment(KEYS.region, 0, 31, 115)}
    FROM range(${REGIONS.length}) t(i) ORDER BY i`;
}

export function nationRows(): string {
  const names = writeList(NATIONS.map(([name]) => name));
  const regions = `[${NATIONS.map(([, region]) => region).join(", ")}]`;
  return `SELECT i, ${names}[1 + i], ${regions}[1 + i], ${comment(KEYS.nation, 0, 31, 114)}
    FROM range(${NATIONS.length}) t(i) ORDER BY i`;
}

export function partRows(scale: TpchScale): string {
  const key = KEYS.part;
  return `SELECT p, ${partName(key)}, 'Manufacturer#' || maker, 'Brand#' || maker || ${drawBetween(key, 1, 1, 5)},
      concat_ws(' ', ${pick(TYPE_SIZES, key, 2)}, ${pick(TYPE_FINISHES, key, 3)}, ${pick(TYPE_METALS, key, 4)}),
      ${drawBetween(key, 5, 1, 50)},
      ${pick(CONTAINER_SIZES, key, 6)} || ' ' || ${pick(CONTAINER_KINDS, key, 7)},
      ${fromCents(retailPriceCents("p"))}, ${comment(key, 20, 5, 22)}
    FROM (SELECT p, ${drawBetween(key, 0, 1, 5)} AS maker FROM range(1, ${scale.parts + 1}) t(p)) ORDER BY p`;
}

/** Five colors, of five lists that share none, so that they differ. */
function partName(key: string): string {
  const words = [0, 1, 2, 3, 4].map((n) => {
    const colors = COLORS.filter((_, index) => index % 5 === n);
    return pick(colors, key, 8 + n);
  });
  return `concat_ws(' ', ${words.join(", ")})`;
}

function retailPriceCents(part: string): string {
  return `(90000 + (${part} // 10) % 20001 + 100 * (${part} % 1000))`;
}

export function supplierRows(scale: TpchScale): string {
  const key = KEYS.supplier;
  return `SELECT s, format('Supplier#{:09d}', s), ${address(key, 0)}, nation, ${phone("nation", key, 3)},
      ${balance(key, 6)}, ${comment(key, 20, 25, 100)}
    FROM (SELECT s, ${draw(key, 7, NATIONS.length)} AS nation FROM range(1, ${scale.suppliers + 1}) t(s)) ORDER BY s`;
}

export function partsuppRows(scale: TpchScale): string {
  const key = KEYS.partsupp;
  return `SELECT p, ${supplierOfPart("p", "n", scale)}, ${drawBetween(key, 0, 1, 9999)},
      ${fromCents(drawBetween(key, 1, 100, 100_000))}, ${comment(key, 20, 49, 198)}
    FROM range(1, ${scale.parts + 1}) t(p), range(4) u(n) ORDER BY p, n`;
}

/**
 * The n-th (0 to 3) of a part's four suppliers. The specification's step, a quarter of all suppliers and a little,
 * is kept below a third of them, so that the four differ at small scales too.
 */
function supplierOfPart(part: string, n: string, { suppliers }: TpchScale): string {
  const quarter = Math.floor(suppliers / 4);
  const room = Math.max(1, Math.ceil(suppliers / 3) - quarter);
  const step = `(${quarter} + ((${part} - 1) // ${suppliers}) % ${room})`;
  return `((${part} + ${n} * ${step}) % ${suppliers} + 1)`;
}

export function customerRows(scale: TpchScale): string {
  const key = KEYS.customer;
  return `SELECT c, format('Customer#{:09d}', c), ${address(key, 0)}, nation, ${phone("nation", key, 3)},
      ${balance(key, 6)}, ${pick(SEGMENTS, key, 8)}, ${comment(key, 20, 29, 116)}
    FROM (SELECT c, ${draw(key, 7, NATIONS.length)} AS nation FROM range(1, ${scale.customers + 1}) t(c)) ORDER BY c`;
}

/** Of every 32 order keys 8 are used, as the specification has it. */
const ORDER_KEY = "((i // 8) * 32 + i % 8 + 1)";
const FIRST_DAY = "DATE '1992-01-01'";
/** From 1992-01-01 to 1998-08-02: the last line item of an order arrives 151 days later, still in 1998. */
const ORDER_DAYS = 2406;
/** CURRENTDATE of the specification: what was shipped by then is delivered. */
const TODAY = "DATE '1995-06-17'";
/** Lines of seven orders that have 1 to 7 of them. */
const BLOCK_LINES = 28;

/**
 * One row for each order: number, date, and how many line items. In every seven orders each count from 1 to 7 occurs
 * once; the last few orders share the rest evenly. So the line items of all orders are exactly as many as asked for.
 */
function orderBase({ orders, lineItems }: TpchScale): string {
  const blocks = Math.floor((orders - 1) / 7);
  const lastOrders = orders - blocks * 7;
  const lastLines = lineItems - blocks * BLOCK_LINES;
  const share = Math.floor(lastLines / lastOrders);
  return `SELECT i, ${FIRST_DAY} + ${draw(KEYS.order, 0, ORDER_DAYS)}::INTEGER AS ordered_on, CASE
        WHEN i < ${blocks * 7} THEN row_number() OVER (PARTITION BY i // 7 ORDER BY ${draw(KEYS.order, 1, 1_000_000_007)}, i)
        ELSE ${share} + (i - ${blocks * 7} < ${lastLines % lastOrders})::BIGINT END AS lines
      FROM range(${orders}) t(i)`;
}

export function lineItemRows(scale: TpchScale): string {
  const key = KEYS.lineItem;
  return `SELECT ${ORDER_KEY}, part, ${supplierOfPart("part", draw(key, 1, 4), scale)}, n, quantity,
      ${fromCents(`quantity * ${retailPriceCents("part")}`)}, ${fromCents(draw(key, 3, 11))},
      ${fromCents(draw(key, 4, 9))},
      CASE WHEN received_on <= ${TODAY} THEN ${pick(["R", "A"], key, 8)} ELSE 'N' END,
      CASE WHEN shipped_on > ${TODAY} THEN 'O' ELSE 'F' END,
      shipped_on, ordered_on + ${drawBetween(key, 6, 30, 90)}::INTEGER, received_on,
      ${pick(INSTRUCTIONS, key, 9)}, ${pick(SHIP_MODES, key, 10)}, ${comment(key, 20, 10, 43)}
    FROM (
      SELECT *, shipped_on + ${drawBetween(key, 7, 1, 30)}::INTEGER AS received_on
      FROM (
        SELECT i, n, ordered_on, ordered_on + ${drawBetween(key, 5, 1, 121)}::INTEGER AS shipped_on,
          ${drawBetween(key, 0, 1, scale.parts)} AS part, ${drawBetween(key, 2, 1, 50)} AS quantity
        FROM (SELECT i, n, ordered_on FROM (${orderBase(scale)}), range(1, 8) u(n) WHERE n <= lines)
      )
    ) ORDER BY i, n`;
}

/** Sums up the line items that are in `lineItemTable` by now. */
export function orderRows(scale: TpchScale, lineItemTable: string): string {
  const key = KEYS.order;
  const clerk = `format('Clerk#{:09d}', ${drawBetween(key, 3, 1, scale.clerks)})`;
  return `SELECT ${ORDER_KEY}, ${customerOfOrder(scale)},
      CASE WHEN open_lines = 0 THEN 'F' WHEN open_lines = all_lines THEN 'O' ELSE 'P' END, total, ordered_on,
      ${pick(PRIORITIES, key, 4)}, ${clerk}, 0, ${comment(key, 20, 19, 78)}
    FROM (${orderBase(scale)}) JOIN (
      SELECT L_ORDERKEY, count(*) AS all_lines, count(*) FILTER (L_LINESTATUS = 'O') AS open_lines,
        round(sum(L_EXTENDEDPRICE * (1 + L_TAX) * (1 - L_DISCOUNT)), 2) AS total
      FROM ${lineItemTable} GROUP BY L_ORDERKEY
    ) ON L_ORDERKEY = ${ORDER_KEY} ORDER BY i`;
}

/** Customers whose key divides by three order nothing. */
function customerOfOrder({ customers }: TpchScale): string {
  const buyer = draw(KEYS.order, 2, customers - Math.floor(customers / 3));
  return `(${buyer} // 2 * 3 + ${buyer} % 2 + 1)`;
}
