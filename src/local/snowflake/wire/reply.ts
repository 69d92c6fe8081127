/** The envelope every answer of the protocol comes in: HTTP 200 and `success` true or false. */

/** A failure as a client sees it; `data` carries what the drivers look into (sqlState, queryId ...). */
export interface Refusal {
  /** Six digits, such as "390112" (session expired) or "001003" (syntax error). */
  readonly code: string;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>> | null;
}

/** The request itself is malformed: answered with HTTP 400, which no driver repeats. */
export class BadRequest extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "BadRequest";
  }
}

const JSON_TYPE = { "content-type": "application/json" };

/** An answer from a body that is JSON text already. */
export function replyWithText(json: string, status = 200): Response {
  return new Response(json, { status, headers: JSON_TYPE });
}

export function replyWith(value: unknown, status = 200): Response {
  return replyWithText(JSON.stringify(value), status);
}

/** `code` is null but for the answers "in progress" (333333) and "runs detached" (333334), which are no failures. */
export function succeed(data: unknown, code: string | null = null, message: string | null = null) {
  return replyWith({ data, code, message, success: true });
}

export function refuse({ code, message, data = null }: Refusal, status = 200): Response {
  return replyWith({ data, code, message, success: false, headers: null }, status);
}

/** An answer whose `data` is JSON text already, so that a result is written as text only once. */
export function succeedWithText(dataJson: string): Response {
  return replyWithText(`{"data":${dataJson},"code":null,"message":null,"success":true}`);
}
