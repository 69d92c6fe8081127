import { DescribeServicesCommand, type ECSClient, UpdateServiceCommand } from "@aws-sdk/client-ecs";
import { messageOf } from "../report/errors.ts";
import { explainCall } from "./failure.ts";

/** The number of workers. */
export interface Scaler {
  /** Throws an Error that names the service, and the permission when that is what is missing. */
  desired(): Promise<number>;
  /** `former` is what `desired` said. Throws as it does. */
  setDesired(count: number, former: number): Promise<void>;
}

export interface EcsService {
  readonly cluster: string;
  readonly service: string;
}

/**
 * The desired count of an ECS service. `lowering` is a client that tries once: a lowering that was thought lost and
 * sent again could arrive after a raising, and nobody would be awake.
 */
export function openEcsScaler(
  clients: { readonly raising: ECSClient; readonly lowering: ECSClient },
  { cluster, service }: EcsService,
): Scaler {
  return {
    desired: async () => {
      const command = new DescribeServicesCommand({ cluster, services: [service] });
      const { services = [] } = await explained("ecs:DescribeServices", service, cluster, () =>
        clients.raising.send(command),
      );
      const found = services.find(({ status }) => status !== "INACTIVE");
      if (found === undefined) {
        throw new Error(`there is no ECS service "${service}" in the cluster "${cluster}"`);
      }
      return found.desiredCount ?? 0;
    },
    setDesired: async (count, former) => {
      const client = count < former ? clients.lowering : clients.raising;
      const command = new UpdateServiceCommand({ cluster, service, desiredCount: count });
      await explained("ecs:UpdateService", service, cluster, () => client.send(command));
    },
  };
}

/** On a laptop there is one worker, which is told to look. */
export function openLocalScaler(triggerUrl: string): Scaler {
  return {
    desired: async () => 0,
    setDesired: async (count) => {
      if (count === 0) return;
      const signal = AbortSignal.timeout(LOCAL_TIMEOUT_MS);
      const response = await fetch(triggerUrl, { method: "POST", body: "{}", signal }).catch(
        (thrown: unknown) => {
          const advice = "is a worker running? bun run worker";
          throw new Error(`${triggerUrl} cannot be reached (${messageOf(thrown)}); ${advice}`);
        },
      );
      if (!response.ok) throw new Error(`${triggerUrl} answered ${response.status}`);
    },
  };
}

const LOCAL_TIMEOUT_MS = 5_000;

async function explained<T>(
  action: string,
  service: string,
  cluster: string,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    const on = `the ECS service "${service}" in cluster "${cluster}"`;
    throw explainCall({ action, on, advice: ADVICE }, thrown);
  }
}

const ADVICE = {
  ClusterNotFoundException: "there is no such cluster",
  ServiceNotFoundException: "there is no such service",
  ServiceNotActiveException: "there is no such service",
  ThrottlingException: "AWS throttles the call; it is tried again at the next trigger",
} as const;
