import { describe, expect, test } from "bun:test";
import {
  deploymentVariables,
  passedVariables,
  readDeploymentSettings,
} from "../../src/infra/settings.ts";

describe("the settings of a deployment", () => {
  test("nothing has to be given", () => {
    expect(readDeploymentSettings({ HOME: "/root", DEPLOY_VPC_ID: "" })).toMatchObject({
      DEPLOY_NETWORK: "public",
      DEPLOY_WORKERS_MAX: 10,
      DEPLOY_TICK_MINUTES: 30,
      passed: {},
      names: { database: "REPORTING_DB", schema: "CONFIG", taskRole: "REPORT_TASK_ROLE" },
    });
  });

  test("every one says what it is", () => {
    const shapes = { ...deploymentVariables.shape, ...passedVariables.shape };
    for (const [name, { description }] of Object.entries(shapes)) {
      expect(description ?? `${name} says nothing`).not.toBe(`${name} says nothing`);
    }
  });

  test("none is read twice", () => {
    const passed = Object.keys(passedVariables.shape);
    expect(passed.filter((name) => name in deploymentVariables.shape)).toEqual([]);
  });

  test("the worker gets its own as they were given, and no others", () => {
    const given = { QUERY_TIMEOUT: "5m", LOG_LEVEL: "DEBUG", PATH: "/bin", PORT: "1" };
    expect(readDeploymentSettings(given).passed).toEqual({
      QUERY_TIMEOUT: "5m",
      LOG_LEVEL: "DEBUG",
    });
  });

  test("all that is wrong is named at once", () => {
    const wrong = { DEPLOY_WORKERS_MAX: "0", MAIL_FROM: "nobody", QUERY_TIMEOUT: "long" };
    expect(() => readDeploymentSettings(wrong)).toThrow(
      /DEPLOY_WORKERS_MAX: .*MAIL_FROM: .*QUERY_TIMEOUT: /,
    );
  });

  test("what belongs together comes together", () => {
    expect(() => readDeploymentSettings({ DEPLOY_NETWORK: "existing" })).toThrow("DEPLOY_VPC_ID");
    for (const name of ["DEPLOY_VPC_ID", "DEPLOY_SUBNET_IDS", "DEPLOY_SECURITY_GROUP_IDS"]) {
      expect(() => readDeploymentSettings({ [name]: "one-1" })).toThrow(
        `${name} needs DEPLOY_NETWORK=existing`,
      );
    }
    expect(() => readDeploymentSettings({ DEPLOY_PUBLIC_IP: "true" })).toThrow(
      "DEPLOY_PUBLIC_IP needs DEPLOY_NETWORK=existing",
    );
    expect(() =>
      readDeploymentSettings({ OPERATOR_EMAIL: "ops@b.org", RECIPIENT_DOMAINS: "example.com" }),
    ).toThrow("OPERATOR_EMAIL: b.org is none of the domains of RECIPIENT_DOMAINS");
    const sender = { MAIL_FROM: "Reports <reports@eu.example.org>" };
    for (const identity of ["reports@eu.example.org", "EU.example.org", "example.org"]) {
      const settings = readDeploymentSettings({ ...sender, DEPLOY_MAIL_IDENTITY: identity });
      expect(settings.MAIL_FROM).toBe(sender.MAIL_FROM);
    }
    for (const given of [{}, sender]) {
      expect(() => readDeploymentSettings({ ...given, DEPLOY_MAIL_IDENTITY: "ample.org" })).toThrow(
        "DEPLOY_MAIL_IDENTITY has to be the address of MAIL_FROM or its domain",
      );
    }
    const half = { SNOWFLAKE_API_AWS_EXTERNAL_ID: "x" };
    expect(() => readDeploymentSettings(half)).toThrow("SNOWFLAKE_API_AWS_IAM_USER_ARN");
  });
});
