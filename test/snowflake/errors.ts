import { ReportError } from "../../src/report/errors.ts";

/** What the work throws; the work must fail. */
export async function reasonOf(work: Promise<unknown>): Promise<unknown> {
  const [result] = await Promise.allSettled([work]);
  if (result?.status === "rejected") return result.reason;
  throw new Error(`no failure but ${Bun.inspect(result?.value)}`);
}

export async function errorOf(work: Promise<unknown>): Promise<ReportError> {
  const reason = await reasonOf(work);
  if (reason instanceof ReportError) return reason;
  throw new Error(`no ReportError but ${Bun.inspect(reason)}`);
}
