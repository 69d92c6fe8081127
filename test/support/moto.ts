/** An AWS that is not ours: moto, which the real SDK speaks to over HTTP. One server for each test file. */
import { existsSync } from "node:fs";
import { devNull } from "node:os";
import { join } from "node:path";

const PYTHON = join(import.meta.dir, "../../.venv/bin/python");
const SERVER = join(import.meta.dir, "../../.venv/bin/moto_server");

/** Why tests that need moto cannot run here, to put behind their name; empty when they can. In CI they must. */
export const lackingMoto =
  process.env["CI"] === "true" || existsSync(SERVER)
    ? ""
    : " (skipped: moto is not in .venv; .ci/run installs it from test/requirements.txt)";

export interface Moto extends AsyncDisposable {
  readonly url: string;
  /** What moto keeps of a model, such as ("ses", "RawMessage"). */
  models(service: string, model: string): Promise<Record<string, unknown>[]>;
  /** While `work` runs, the caller is a user without any permission, and policies count. */
  asNobody<T>(work: () => Promise<T>): Promise<T>;
}

/** Whoever asks is this, and no file of a developer's own account is looked at. */
const ENVIRONMENT: Readonly<Record<string, string | undefined>> = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_SESSION_TOKEN: undefined,
  AWS_REGION: "eu-central-1",
  AWS_DEFAULT_REGION: undefined,
  AWS_PROFILE: undefined,
  AWS_CONFIG_FILE: "/nonexistent/config",
  AWS_SHARED_CREDENTIALS_FILE: "/nonexistent/credentials",
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: undefined,
  AWS_CONTAINER_CREDENTIALS_FULL_URI: undefined,
  AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_ENDPOINT_URL: undefined,
};

/** The environment of a process that shall speak with the AWS at `url`. */
export function awsEnvironment(url: string): Record<string, string> {
  const known = Object.entries({ ...ENVIRONMENT, AWS_ENDPOINT_URL: url });
  return Object.fromEntries(
    known.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Sets this process's environment to the AWS at `url`, until it is disposed. */
export function useAws(
  url: string,
  more: Readonly<Record<string, string | undefined>> = {},
): Disposable {
  const wanted = { ...ENVIRONMENT, AWS_ENDPOINT_URL: url, ...more };
  const former = Object.keys(wanted).map((name) => [name, process.env[name]] as const);
  applyEnvironment(Object.entries(wanted));
  return { [Symbol.dispose]: () => applyEnvironment(former) };
}

function applyEnvironment(values: readonly (readonly [string, string | undefined])[]): void {
  for (const [name, value] of values) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

/** Starts moto on a free port; ends it when disposed. Throws with what it printed when it does not come up. */
export async function startMoto(): Promise<Moto> {
  const child = Bun.spawn([PYTHON, SERVER, "-H", "127.0.0.1", "-p", "0"], {
    // Else it leaves an empty record of its calls in the folder that the tests are started in.
    env: { ...process.env, MOTO_RECORDER_FILEPATH: devNull },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  void readLines(child.stderr, resolve).then((last) => reject(new Error(`moto ended: ${last}`)));
  const url = await promise;
  return {
    url,
    models: async (service, model) => {
      const data = await (await fetch(`${url}/moto-api/data.json`)).json();
      return (
        (data as Record<string, Record<string, Record<string, unknown>[]>>)[service]?.[model] ?? []
      );
    },
    asNobody: async (work) => {
      const { id, secret } = await createNobody(url);
      const keys = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
      using _environment = useAws(url, keys);
      await setFreeCalls(url, "0");
      try {
        return await work();
      } finally {
        await setFreeCalls(url, "inf");
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

/** Its log is read to the end, because a full pipe would stop it. Resolves with the last of it. */
async function readLines(
  stream: ReadableStream<Uint8Array>,
  onUrl: (url: string) => void,
): Promise<string> {
  let last = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    last = (last + decoder.decode(chunk, { stream: true })).slice(-2_000);
    const url = /Running on (http:\/\/[\d.:]+)/.exec(last)?.[1];
    if (url !== undefined) onUrl(url);
  }
  return last;
}

/** From here on so many calls need no permission. */
async function setFreeCalls(url: string, count: "0" | "inf"): Promise<void> {
  await fetch(`${url}/moto-api/reset-auth`, { method: "POST", body: count });
}

let lastNobody = 0;

/** A user to whom no policy is attached. */
async function createNobody(url: string): Promise<{ id: string; secret: string }> {
  lastNobody += 1;
  const UserName = `nobody-${lastNobody}`;
  await callIam(url, { Action: "CreateUser", UserName });
  const key = await callIam(url, { Action: "CreateAccessKey", UserName });
  const read = (name: string): string => new RegExp(`<${name}>(.*)</${name}>`).exec(key)?.[1] ?? "";
  return { id: read("AccessKeyId"), secret: read("SecretAccessKey") };
}

async function callIam(url: string, call: Record<string, string>): Promise<string> {
  const scope = "Credential=x/20260101/us-east-1/iam/aws4_request";
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=x` },
    body: new URLSearchParams({ ...call, Version: "2010-05-08" }),
  });
  return await response.text();
}
