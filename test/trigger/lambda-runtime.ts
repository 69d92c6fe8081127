/**
 * What Lambda's runtime is to the function, as far as it matters: loads it from the path given, calls it with the event of
 * each line of the input, and answers each with a line. Other lines of the output are the function's log.
 */
import { createInterface } from "node:readline";

export const ANSWER_MARK = "\u0001";

/** As Lambda writes a thrown error. */
export interface FunctionFailure {
  readonly errorType: string;
  readonly errorMessage: string;
}

const CONTEXT = {
  invokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:report-service-trigger",
};

const path = process.argv[2];
if (path !== undefined) {
  const { handler } = await import(path);
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await handler(JSON.parse(line), CONTEXT).then(
      (result: unknown) => ({ result }),
      ({ name, message }: Error) => ({ failure: { errorType: name, errorMessage: message } }),
    );
    process.stdout.write(`${ANSWER_MARK}${JSON.stringify(answer)}\n`);
  }
}
