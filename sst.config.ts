/// <reference path="./.sst/platform/config.d.ts" />

/**
 * The whole service in AWS; `sst deploy --stage prod`. The pieces are in src/infra/ and are imported in run(),
 * because SST allows no import at the top of this file.
 */
export default $config({
  app(input) {
    const isProduction = input.stage === "prod";
    return {
      name: "report-service",
      home: "aws",
      removal: isProduction ? "retain" : "remove",
      protect: isProduction,
      providers: { aws: { version: "7.20.0" } },
    };
  },
  async run() {
    const { createDeployment } = await import("./src/infra/deployment.ts");
    return createDeployment(process.env);
  },
});
