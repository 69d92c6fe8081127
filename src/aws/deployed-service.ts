import { ReportError } from "../report/errors.ts";
import { AWS_NETWORK, callAws } from "./failure.ts";

/** The ECS service whose tasks are the workers, to be looked at. */
export interface DeployedService extends AsyncDisposable {
  /** Throws ReportError `internal` that names the service, and the permission when that is what is missing. */
  countWorkers(): Promise<WorkerCounts>;
}

export interface WorkerCounts {
  readonly desired: number;
  /** Tasks that have not ended yet, those that are starting among them. */
  readonly running: number;
}

export async function openDeployedService(
  cluster: string,
  service: string,
): Promise<DeployedService> {
  const { DescribeServicesCommand, ECSClient } = await import("@aws-sdk/client-ecs");
  const client = new ECSClient(AWS_NETWORK);
  const on = `the ECS service "${service}" in the cluster "${cluster}"`;
  const advice = {
    ClusterNotFoundException: "there is no such cluster in this account and region",
  };
  const call = { action: "ecs:DescribeServices", on, code: "internal", advice } as const;
  return {
    countWorkers: async () => {
      const command = new DescribeServicesCommand({ cluster, services: [service] });
      const { services = [] } = await callAws(call, () => client.send(command));
      const found = services.find(({ status }) => status !== "INACTIVE");
      if (found === undefined) throw new ReportError("internal", `${on} does not exist`);
      const { desiredCount = 0, runningCount = 0, pendingCount = 0 } = found;
      return { desired: desiredCount, running: runningCount + pendingCount };
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}
