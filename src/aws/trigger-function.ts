import type { LambdaClient } from "@aws-sdk/client-lambda";
import { z } from "zod";
import { type ErrorCode, ReportError } from "../report/errors.ts";
import { AWS_NETWORK, type AwsCall, callAws } from "./failure.ts";
import { parseJson } from "./json.ts";

/**
 * The function that owns the number of workers and the links. Throws ReportError, not retryable when the permission or
 * the function is missing: `delivery_failed` for a link, `internal` for the rest.
 */
export interface TriggerFunction extends AsyncDisposable {
  /** Tells what this worker sees of the queue; resolves when the number of workers has been written. */
  observe(observation: {
    readonly pending: number;
    readonly running: number;
    readonly nextDueAt: Date | null;
    readonly oldestPendingAt: Date | null;
  }): Promise<void>;
  /** Tells why this worker cannot start and ends; resolves when there is one worker less to be. */
  leave(reason: string): Promise<void>;
  /** The address at which a recipient finds the stored file. */
  createLink(key: string, fileName: string): Promise<string>;
}

/** By its name or ARN. */
export async function openTriggerFunction(name: string): Promise<TriggerFunction> {
  const { LambdaClient } = await import("@aws-sdk/client-lambda");
  // An observation that was thought lost and is sent again is old by then, and could let a worker go that is needed.
  const observing = new LambdaClient({ ...AWS_NETWORK, maxAttempts: 1 });
  const linking = new LambdaClient(AWS_NETWORK);
  return {
    observe: async ({ nextDueAt, oldestPendingAt, ...counts }) => {
      const observation = {
        ...counts,
        nextDueAt: nextDueAt?.toISOString() ?? null,
        oldestPendingAt: oldestPendingAt?.toISOString() ?? null,
      };
      await invoke(observing, callOn(name, "internal"), name, { observation });
    },
    leave: async (reason) => {
      await invoke(observing, callOn(name, "internal"), name, { unable: { reason } });
    },
    createLink: async (key, fileName) => {
      const call = callOn(name, "delivery_failed");
      const answer = linkSchema.safeParse(
        await invoke(linking, call, name, { link: { key, fileName } }),
      );
      if (answer.success) return answer.data.url;
      throw new ReportError("delivery_failed", `${call.on} answered without a link`);
    },
    async [Symbol.asyncDispose]() {
      observing.destroy();
      linking.destroy();
    },
  };
}

const linkSchema = z.object({ url: z.url() });

async function invoke(
  client: LambdaClient,
  call: AwsCall,
  name: string,
  content: object,
): Promise<unknown> {
  const { InvokeCommand } = await import("@aws-sdk/client-lambda");
  const payload = JSON.stringify({ source: "worker", ...content });
  const reply = await callAws(call, () =>
    client.send(new InvokeCommand({ FunctionName: name, Payload: payload })),
  );
  const text = reply.Payload?.transformToString() ?? "";
  if (reply.FunctionError !== undefined) {
    throw new ReportError(call.code, `${call.on} failed: ${describe(text)}`);
  }
  return parseJson(text);
}

/** Lambda writes a thrown error as `{"errorType": ..., "errorMessage": ...}`. */
function describe(text: string): string {
  const failure = z.object({ errorMessage: z.string() }).safeParse(parseJson(text));
  return failure.success ? failure.data.errorMessage : text.slice(0, 500);
}

function callOn(name: string, code: ErrorCode): AwsCall {
  return {
    action: "lambda:InvokeFunction",
    on: `the function ${name}`,
    code,
    advice: { ResourceNotFoundException: "there is no such function; correct TRIGGER_FUNCTION" },
  };
}
