import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { type Config, loadConfig } from "../src/config.ts";
import { variables } from "../src/variables.ts";
import { Secret } from "../src/secret.ts";
import {
  readSnowflakeSettings,
  secretSource,
  type SnowflakeSource,
} from "../src/snowflake/settings-source.ts";
import type { Authentication, SnowflakeSettings } from "../src/snowflake/settings.ts";
import { errorOf } from "./support/factories.ts";

function problemsOf(environment: Record<string, string>): string[] {
  const error = errorOf(() => loadConfig(environment));
  expect(error.code).toBe("configuration");
  return error.message.split("\n");
}

function settingsOf(config: Config): SnowflakeSettings {
  if (config.snowflake.kind !== "settings") throw new Error(`it is ${config.snowflake.kind}`);
  return config.snowflake.settings.reveal();
}

describe("loadConfig", () => {
  test("an empty environment is the local Snowflake and the defaults", () => {
    const config = loadConfig({});
    expect(config.snowflake).toEqual({ kind: "local" });
    expect(config).toMatchObject({
      readerRole: null,
      names: { database: "REPORTING_DB", schema: "CONFIG", warehouse: "COMPUTE_WH" },
      worker: {
        concurrency: 2,
        pollIntervalMs: 1_800_000,
        queryTimeoutSeconds: 900,
        leaseMs: 300_000,
        heartbeatMs: 30_000,
        stopGraceMs: 90_000,
        port: 8080,
      },
      mail: { operator: null, recipientDomains: [], attachmentBytesMax: 7_000_000 },
      logLevel: "INFO",
    });
  });

  test("an empty variable is as good as none", () => {
    const names = Object.keys(variables.shape);
    const empty = Object.fromEntries(names.map((name) => [name, ""]));
    expect(loadConfig(empty)).toEqual(loadConfig({}));
  });

  test("variables of other programs are none of its business", () => {
    expect(loadConfig({ PATH: "/bin", SNOWFLAKE_HOME: "x" })).toEqual(loadConfig({}));
  });

  test("all wrong variables are told together, each by its name", () => {
    const wrong = {
      WORKER_CONCURRENCY: "many",
      PORT: "70000",
      POLL_INTERVAL: "soon",
      QUERY_TIMEOUT: "90",
      TRIGGER_URL: "no url",
      OPERATOR_EMAIL: "nobody",
      LOG_LEVEL: "LOUD",
      SNOWFLAKE_OCSP: "maybe",
      ATTACHMENT_BYTES_MAX: "1.5",
    };
    const names = problemsOf(wrong).map((problem) => problem.slice(0, problem.indexOf(":")));
    expect(new Set(names)).toEqual(new Set(Object.keys(wrong)));
  });

  test("a problem names the variable, never a secret's value", () => {
    const problems = problemsOf({
      SNOWFLAKE_PRIVATE_KEY: "s3cret-key",
      SNOWFLAKE_ACCESS_URL: "no url",
      SNOWFLAKE_PASSWORD: "s3cret-password",
    }).join("\n");
    expect(problems).toContain("SNOWFLAKE_ACCESS_URL");
    expect(problems).not.toContain("s3cret");
  });

  test.each([
    ["1500ms", 1_500],
    ["90s", 90_000],
    ["1.5s", 1_500],
    ["30m", 1_800_000],
    ["2h", 7_200_000],
  ])("the duration %s", (text, ms) => {
    expect(loadConfig({ STOP_GRACE: text }).worker.stopGraceMs).toBe(ms);
  });

  test.each(["90", "s", "1d", "-5s", "1 h", "1.s", "1..5s", "90S"])("%j is no duration", (text) => {
    expect(problemsOf({ STOP_GRACE: text })[0]).toStartWith("STOP_GRACE: must be a duration");
  });

  test("a query limit below a second is a second", () => {
    expect(loadConfig({ QUERY_TIMEOUT: "100ms" }).worker.queryTimeoutSeconds).toBe(1);
  });

  test("three missed beats must fit into what a worker may trust of its lease", () => {
    expect(() => loadConfig({ LEASE_DURATION: "120s", HEARTBEAT_INTERVAL: "30s" })).not.toThrow();
    expect(problemsOf({ LEASE_DURATION: "100s", HEARTBEAT_INTERVAL: "30s" })).toEqual([
      "HEARTBEAT_INTERVAL: must be at most a quarter of LEASE_DURATION",
    ]);
  });

  test("lists are cut at commas, in lower case", () => {
    const { mail } = loadConfig({ RECIPIENT_DOMAINS: " Example.com, ,b.org " });
    expect(mail.recipientDomains).toEqual(["example.com", "b.org"]);
  });

  test("an operator whom no mail may reach is refused", () => {
    const international = {
      OPERATOR_EMAIL: "ops@xn--bcher-kva.example",
      RECIPIENT_DOMAINS: "bücher.example",
    };
    expect(() => loadConfig(international)).not.toThrow();
    expect(problemsOf({ OPERATOR_EMAIL: "ops@b.org", RECIPIENT_DOMAINS: "example.com" })).toEqual([
      "OPERATOR_EMAIL: b.org is none of the domains of RECIPIENT_DOMAINS",
    ]);
    const settings = { OPERATOR_EMAIL: "ops@B.org", RECIPIENT_DOMAINS: "example.com,b.ORG" };
    expect(loadConfig(settings).mail.operator).toBe("ops@B.org");
  });

  test("a local Snowflake that is to keep nothing has no file", () => {
    expect(loadConfig({ LOCAL_SNOWFLAKE_FILE: "memory" }).local.file).toBeNull();
    expect(loadConfig({}).local.file).toStartWith(".local/");
  });

  test("what the command line says goes before the environment", () => {
    const config = loadConfig(
      { PORT: "1000", WORKER_ID: "a" },
      { PORT: "2000", WORKER_ID: undefined },
    );
    expect(config.worker).toMatchObject({ port: 2_000, id: "a" });
  });

  test("every variable says what it is for", () => {
    for (const schema of Object.values(variables.shape)) {
      expect(schema.description ?? "").toMatch(/^[A-Z`]/);
    }
  });
});

const ACCOUNT = { SNOWFLAKE_ACCOUNT: "org-account" };

/** Each way to log in, by variable, with the settings that it gives. */
const METHODS: [string, Record<string, string>, Authentication][] = [
  [
    "a key pair",
    { SNOWFLAKE_USER: "svc", SNOWFLAKE_PRIVATE_KEY: "pem" },
    { method: "key-pair", privateKey: "pem" },
  ],
  [
    "a key pair with a passphrase",
    {
      SNOWFLAKE_USER: "svc",
      SNOWFLAKE_PRIVATE_KEY: "pem",
      SNOWFLAKE_PRIVATE_KEY_PASSPHRASE: "phrase",
    },
    { method: "key-pair", privateKey: "pem", passphrase: "phrase" },
  ],
  [
    "a password",
    { SNOWFLAKE_USER: "svc", SNOWFLAKE_PASSWORD: "pw" },
    { method: "password", password: "pw" },
  ],
  ["a token", { SNOWFLAKE_TOKEN: "pat" }, { method: "token", token: "pat" }],
  [
    "OAuth client credentials",
    {
      SNOWFLAKE_OAUTH_CLIENT_ID: "id",
      SNOWFLAKE_OAUTH_CLIENT_SECRET: "hush",
      SNOWFLAKE_OAUTH_TOKEN_URL: "https://id.example/token",
      SNOWFLAKE_OAUTH_SCOPE: "session:role-any",
    },
    {
      method: "oauth-client",
      clientId: "id",
      clientSecret: "hush",
      tokenUrl: "https://id.example/token",
      scope: "session:role-any",
    },
  ],
  [
    "the task role",
    { SNOWFLAKE_WORKLOAD_IDENTITY: "AWS" },
    { method: "workload-identity", provider: "AWS" },
  ],
];

describe("who the worker is for Snowflake", () => {
  test.each(METHODS)("%s, from variables", (_name, environment, authentication) => {
    const settings = settingsOf(loadConfig({ ...ACCOUNT, ...environment }));
    expect(settings).toMatchObject({ account: "org-account", authentication });
    expect(settings.authentication).toEqual(authentication);
  });

  test.each(METHODS)("%s, from the secret's fields", (_name, environment, authentication) => {
    const secret = Object.fromEntries(
      Object.entries({ ...ACCOUNT, ...environment }).map(([name, value]) => [
        name.replace("SNOWFLAKE_", "").toLowerCase(),
        value,
      ]),
    );
    const source = { ...secretSource(secret), SNOWFLAKE_OCSP: "off" } as const;
    expect(readSnowflakeSettings(source)).toMatchObject({ account: "org-account", authentication });
  });

  test("the rest of the settings", () => {
    const settings = settingsOf(
      loadConfig({
        ...ACCOUNT,
        SNOWFLAKE_TOKEN: "pat",
        SNOWFLAKE_USER: "svc",
        SNOWFLAKE_ROLE: "REPORT_WORKER",
        SNOWFLAKE_READER_ROLE: "REPORT_READER",
        SNOWFLAKE_ACCESS_URL: "https://a.example:443",
        SNOWFLAKE_OCSP: "off",
      }),
    );
    expect(settings).toMatchObject({
      accessUrl: "https://a.example:443",
      username: "svc",
      role: "REPORT_WORKER",
      warehouse: "COMPUTE_WH",
      database: "REPORTING_DB",
      schema: "CONFIG",
      ocsp: "off",
    });
  });

  test("what is not given is absent, not undefined", () => {
    const settings = settingsOf(loadConfig({ ...ACCOUNT, SNOWFLAKE_TOKEN: "pat" }));
    expect("role" in settings).toBe(false);
    expect("username" in settings).toBe(false);
  });

  test.each<[string, Record<string, string>, string[]]>([
    ["an account without a way to log in", ACCOUNT, ["SNOWFLAKE_ACCOUNT: is set, but none of"]],
    [
      "a way to log in without an account",
      { SNOWFLAKE_TOKEN: "pat" },
      ["SNOWFLAKE_ACCOUNT: is missing, although SNOWFLAKE_TOKEN is set"],
    ],
    [
      "a key pair without a user",
      { ...ACCOUNT, SNOWFLAKE_PRIVATE_KEY: "pem" },
      ["SNOWFLAKE_USER: is missing"],
    ],
    [
      "a password without a user",
      { ...ACCOUNT, SNOWFLAKE_PASSWORD: "pw" },
      ["SNOWFLAKE_USER: is missing"],
    ],
    [
      "half of the OAuth credentials",
      { ...ACCOUNT, SNOWFLAKE_OAUTH_CLIENT_ID: "id" },
      ["SNOWFLAKE_OAUTH_CLIENT_SECRET: is missing", "SNOWFLAKE_OAUTH_TOKEN_URL: is missing"],
    ],
  ])("%s is refused", (_name, environment, starts) => {
    const problems = problemsOf(environment);
    expect(problems).toHaveLength(starts.length);
    for (const [index, start] of starts.entries()) expect(problems[index]).toStartWith(start);
  });

  test("a problem with Snowflake is told beside the others", () => {
    const problems = problemsOf({
      ...ACCOUNT,
      LEASE_DURATION: "1s",
      SNOWFLAKE_PASSWORD: "pw",
    }).join("\n");
    expect(problems).toContain("HEARTBEAT_INTERVAL");
    expect(problems).toContain("SNOWFLAKE_USER");
  });

  test("a secret that is yet to be read is no problem, and keeps what the variables say", () => {
    for (const environment of [{}, { ...ACCOUNT, SNOWFLAKE_ROLE: "R" }]) {
      const { snowflake } = loadConfig({ ...environment, SNOWFLAKE_SECRET_ID: "a/b" });
      if (snowflake.kind !== "secret") throw new Error(`it is ${snowflake.kind}`);
      expect(snowflake.secretId).toBe("a/b");
      expect(snowflake.source.reveal()).toMatchObject(environment);
    }
  });

  test("variables that say everything need no secret", () => {
    const environment = { ...ACCOUNT, SNOWFLAKE_TOKEN: "pat", SNOWFLAKE_SECRET_ID: "a/b" };
    expect(loadConfig(environment).snowflake.kind).toBe("settings");
  });
});

describe("secretSource", () => {
  test("unknown, empty and odd fields are left alone", () => {
    const source = secretSource({ account: "a", user: "", password: 7, comment: "x", token: null });
    expect(source).toEqual({ SNOWFLAKE_ACCOUNT: "a" } satisfies Partial<SnowflakeSource>);
  });
});

describe("a secret", () => {
  const config = loadConfig({ ...ACCOUNT, SNOWFLAKE_USER: "svc", SNOWFLAKE_PASSWORD: "s3cret" });
  const waiting = loadConfig({ SNOWFLAKE_SECRET_ID: "a/b", SNOWFLAKE_PASSWORD: "s3cret" });

  test.each([
    ["JSON", JSON.stringify],
    ["node's inspect", (value: unknown) => inspect(value, { depth: 10, showHidden: true })],
    ["bun's inspect", (value: unknown) => Bun.inspect(value, { depth: 10 })],
    ["string concatenation", (value: unknown) => String(value)],
  ] as const)("is *** in %s", (_name, print) => {
    expect(print(new Secret("s3cret"))).toContain("***");
    expect(print(new Secret({ key: "s3cret" }))).not.toContain("s3cret");
  });

  test("does not show in a whole configuration", () => {
    for (const shown of [config, waiting]) {
      expect(JSON.stringify(shown)).not.toContain("s3cret");
      expect(inspect(shown, { depth: 10, showHidden: true })).not.toContain("s3cret");
      expect(Bun.inspect(shown, { depth: 10 })).not.toContain("s3cret");
    }
  });

  test("is there for whoever asks", () => {
    expect(new Secret("s3cret").reveal()).toBe("s3cret");
  });
});
