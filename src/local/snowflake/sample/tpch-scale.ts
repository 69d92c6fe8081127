import { ReportError } from "../../../report/errors.ts";

/** How many rows each table gets. */
export interface TpchScale {
  readonly lineItems: number;
  readonly orders: number;
  readonly customers: number;
  readonly parts: number;
  readonly suppliers: number;
  readonly clerks: number;
}

/** Below these a part could not have four different suppliers, nor a nation a customer now and then. */
const SUPPLIERS_MIN = 4;
const PARTS_MIN = 20;
const CUSTOMERS_MIN = 15;

/**
 * The specification's proportions for any number of line items: 60,000 (scale factor 0.01) are 15,000 orders of
 * 1,500 customers, 2,000 parts and 100 suppliers. Throws ReportError `configuration` unless it is a whole number from 1.
 */
export function scaleToLineItems(lineItems: number): TpchScale {
  if (!Number.isSafeInteger(lineItems) || lineItems < 1) {
    const message = `The sample data's line items must be a whole number from 1, not ${lineItems}.`;
    throw new ReportError("configuration", message);
  }
  return {
    lineItems,
    orders: Math.max(1, Math.round(lineItems / 4)),
    customers: Math.max(CUSTOMERS_MIN, Math.round(lineItems / 40)),
    parts: Math.max(PARTS_MIN, Math.round(lineItems / 30)),
    suppliers: Math.max(SUPPLIERS_MIN, Math.round(lineItems / 600)),
    clerks: Math.max(1, Math.round(lineItems / 6000)),
  };
}
