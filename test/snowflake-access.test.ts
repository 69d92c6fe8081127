import { afterEach, describe, expect, mock, spyOn, test } from "bun:test";
import { loadConfig } from "../src/config.ts";
import { openSnowflake } from "../src/snowflake-access.ts";
import { useAws } from "./support/moto.ts";

/** Speaks Secrets Manager's protocol as far as GetSecretValue goes. */
function startSecrets(first: object) {
  const state = { secret: first, asked: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      state.asked += 1;
      return Response.json({ SecretString: JSON.stringify(state.secret) });
    },
  });
  const environment = useAws(`http://127.0.0.1:${server.port}`);
  return {
    state,
    [Symbol.asyncDispose]: async () => {
      environment[Symbol.dispose]();
      await server.stop(true);
    },
  };
}

const config = loadConfig({
  SNOWFLAKE_SECRET_ID: "report-service/snowflake",
  SNOWFLAKE_WAREHOUSE: "SMALL_WH",
});
const OLD = {
  account: "org-a",
  user: "WORKER",
  password: "old",
  slackWebhooks: { ops: "https://hooks.slack.com/services/1" },
};
const NEW = { ...OLD, password: "new", slackWebhooks: {} };

afterEach(() => mock.restore());

/** Within a minute of the latest reading the secret is not asked for again. */
function letMinutePass(): void {
  const laterMs = performance.now() + 61_000;
  spyOn(performance, "now").mockReturnValue(laterMs);
}

describe("a Snowflake whose settings are in a secret", () => {
  test("is known by the secret and the variables, and so are Slack's addresses", async () => {
    await using _secrets = startSecrets(OLD);
    await using access = await openSnowflake(config);
    expect(access.settings).toMatchObject({
      account: "org-a",
      warehouse: "SMALL_WH",
      authentication: { method: "password", password: "old" },
    });
    expect(access.webhooks).toEqual(OLD.slackWebhooks);
    expect(access.local).toBeNull();
  });

  test("is another one after the secret has changed and is read again", async () => {
    await using secrets = startSecrets(OLD);
    await using access = await openSnowflake(config);
    secrets.state.secret = NEW;
    expect(await access.refresh()).toBe(false);
    expect(secrets.state.asked).toBe(1);
    letMinutePass();
    expect(await access.refresh()).toBe(true);
    expect(access.settings.authentication).toMatchObject({ password: "new" });
    expect(access.webhooks).toEqual({});
    expect(await access.refresh()).toBe(false);
  });

  test("stays what it was while the secret is wrong, which is said", async () => {
    await using secrets = startSecrets(OLD);
    await using access = await openSnowflake(config);
    secrets.state.secret = { user: "WORKER" };
    letMinutePass();
    const problem = await access.refresh().catch((thrown: unknown) => thrown);
    expect(problem).toMatchObject({ code: "configuration" });
    expect(access.settings).toMatchObject({ account: "org-a" });
  });
});
