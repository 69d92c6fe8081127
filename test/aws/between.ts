import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { useAws } from "../support/moto.ts";

/** A request on its way to AWS. */
export interface Passing {
  readonly method: string;
  readonly url: URL;
  readonly body: Buffer;
}

/**
 * pass: AWS gets it, and its answer comes back. drop: the connection ends before AWS gets it. lose: AWS does it, and the
 * connection ends before its answer. An answer is given instead of AWS's.
 */
export type Treatment =
  "pass" | "drop" | "lose" | { readonly status: number; readonly body: string };

export interface Between extends AsyncDisposable {
  /** What came, such as "PUT ?partNumber=1&uploadId=...&x-id=UploadPart". */
  readonly seen: readonly string[];
  /** How many requests were for this part of an upload. */
  readonly sentPart: (number: number) => number;
}

/** A way to the AWS at `origin` that this process's AWS environment takes, and that treats some requests otherwise. */
export async function standBetween(
  origin: string,
  treat: (passing: Passing) => Treatment,
): Promise<Between> {
  const seen: string[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", origin);
    const method = request.method ?? "GET";
    seen.push(`${method} ${url.search}`);
    const body = await readBody(request);
    const treatment = treat({ method, url, body });
    if (treatment === "drop") return void request.socket.destroy();
    if (typeof treatment === "object") {
      return void response.writeHead(treatment.status).end(treatment.body);
    }
    const answer = await fetch(url, {
      method,
      headers: request.headers as Record<string, string>,
      ...(method === "GET" || method === "HEAD" ? {} : { body }),
    });
    const answered = Buffer.from(await answer.arrayBuffer());
    if (treatment === "lose") return void request.socket.destroy();
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(answered);
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const environment = useAws(`http://127.0.0.1:${port}`);
  return {
    seen,
    sentPart: (number) => seen.filter((one) => one.includes(`partNumber=${number}&`)).length,
    [Symbol.asyncDispose]: async () => {
      environment[Symbol.dispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** An S3 that asks for patience. */
export const SLOW_DOWN = {
  status: 503,
  body: '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>',
} as const;
