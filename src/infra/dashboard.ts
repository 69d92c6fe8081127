import { NAMESPACE } from "./alarms.ts";
import { type DeploymentSettings, stageName } from "./settings.ts";
import type { Trigger } from "./trigger.ts";
import type { WorkerNames } from "./worker.ts";

type Series = readonly (string | object)[];

interface Chart {
  readonly title: string;
  readonly statistic: string;
  readonly series: readonly Series[];
}

const WIDTH = 8;
const HEIGHT = 6;
const CHARTS_A_ROW = 3;

/** One page: what is asked for, what is done, what it costs, and the health of each part. */
export function createDashboard(
  settings: DeploymentSettings,
  trigger: Trigger,
  names: WorkerNames,
): void {
  const taskDollars = taskDollarsAnHour(settings);
  new aws.cloudwatch.Dashboard("Dashboard", {
    dashboardName: stageName("report-service", $app.stage),
    dashboardBody: $util
      .all([trigger.function.name, aws.getRegionOutput().region])
      .apply(([functionName, region]) =>
        JSON.stringify({
          widgets: listCharts(functionName, names, taskDollars).map((chart, index) =>
            widgetOf(chart, index, region),
          ),
        }),
      ),
  });
}

function widgetOf({ title, statistic, series }: Chart, index: number, region: string): object {
  return {
    type: "metric",
    x: (index % CHARTS_A_ROW) * WIDTH,
    y: Math.floor(index / CHARTS_A_ROW) * HEIGHT,
    width: WIDTH,
    height: HEIGHT,
    properties: { title, region, stat: statistic, period: 300, metrics: series },
  };
}

function listCharts(functionName: string, names: WorkerNames, taskDollars: number): Chart[] {
  const worker = (metric: string, options: object = {}): Series => [
    NAMESPACE,
    metric,
    "Source",
    "worker",
    options,
  ];
  const seen = (metric: string): Series => [NAMESPACE, metric, "Source", "trigger"];
  const lambda = (metric: string): Series => ["AWS/Lambda", metric, "FunctionName", functionName];
  const ecs = (metric: string): Series => [
    "ECS/ContainerInsights",
    metric,
    "ClusterName",
    names.cluster,
    "ServiceName",
    names.service,
  ];
  return [
    {
      title: "Reports per hour",
      statistic: "Sum",
      series: [
        worker("RunsCompleted", { period: 3_600 }),
        worker("RunsFailed", { period: 3_600 }),
        worker("RunsRetried", { period: 3_600 }),
      ],
    },
    {
      title: "Seconds of a report: average and p95",
      statistic: "Average",
      series: [worker("RunSeconds"), worker("RunSeconds", { stat: "p95" })],
    },
    {
      title: "Error rate, % of the runs that ended",
      statistic: "Sum",
      series: [
        // A metric that was not written in an hour has no value, and not the value 0.
        [{ expression: ERROR_RATE, label: "Error rate", period: 3_600 }],
        worker("RunsCompleted", { id: "completed", visible: false, period: 3_600 }),
        worker("RunsFailed", { id: "failed", visible: false, period: 3_600 }),
      ],
    },
    { title: "Errors by type", statistic: "Sum", series: [errorsByCode()] },
    {
      title: "Queue depth",
      statistic: "Maximum",
      series: [seen("QueuePending"), seen("QueueRunning")],
    },
    {
      title: "Oldest waiting, seconds",
      statistic: "Maximum",
      series: [seen("OldestPendingSeconds")],
    },
    {
      title: "Messages: sent, and given up",
      statistic: "Sum",
      series: [
        worker("DeliveriesSent", { period: 3_600 }),
        worker("DeliveriesFailed", { period: 3_600 }),
      ],
    },
    {
      title: "Workers: wanted and running",
      statistic: "Maximum",
      series: [ecs("DesiredTaskCount"), ecs("RunningTaskCount")],
    },
    {
      title: "CPU, units of 1,024",
      statistic: "Average",
      series: [ecs("CpuUtilized"), ecs("CpuReserved")],
    },
    {
      title: "Memory, MB",
      statistic: "Maximum",
      series: [ecs("MemoryUtilized"), ecs("MemoryReserved")],
    },
    {
      title: "Trigger: calls and errors",
      statistic: "Sum",
      series: [lambda("Invocations"), lambda("Errors")],
    },
    { title: "Trigger: milliseconds", statistic: "Average", series: [lambda("Duration")] },
    {
      title: "Snowflake: seconds of a query, and refusals",
      statistic: "Average",
      series: [
        worker("QuerySeconds"),
        worker("SnowflakeUnavailable", { stat: "Sum", yAxis: "right" }),
      ],
    },
    {
      title: "Estimated cost of tasks, US$ an hour",
      statistic: "Average",
      series: [
        [{ expression: `running * ${taskDollars}`, label: "Fargate" }],
        [...ecs("RunningTaskCount"), { id: "running", visible: false }],
      ],
    },
  ];
}

const ERROR_RATE = "100 * FILL(failed, 0) / (FILL(completed, 0) + FILL(failed, 0))";

/** 0.5 vCPU and 1 GB of Linux in us-east-1: 0.5 × 0.04048 + 0.004445, 0.5 × 0.03238 + 0.00356. Source: aws.amazon.com/fargate/pricing */
const FARGATE_DOLLARS_AN_HOUR = { x86_64: 0.024685, arm64: 0.01975 } as const;
/** Of a task that has one. Source: aws.amazon.com/vpc/pricing, "Public IPv4 Address" */
const ADDRESS_DOLLARS_AN_HOUR = 0.005;

function taskDollarsAnHour(settings: DeploymentSettings): number {
  const { DEPLOY_ARCHITECTURE, DEPLOY_NETWORK, DEPLOY_PUBLIC_IP } = settings;
  const hasAddress =
    DEPLOY_NETWORK === "public" || (DEPLOY_NETWORK === "existing" && DEPLOY_PUBLIC_IP);
  return FARGATE_DOLLARS_AN_HOUR[DEPLOY_ARCHITECTURE] + (hasAddress ? ADDRESS_DOLLARS_AN_HOUR : 0);
}

function errorsByCode(): Series {
  const expression = `SEARCH('{${NAMESPACE},Source,ErrorCode} MetricName="RunErrors"', 'Sum', 300)`;
  return [{ expression, id: "errors" }];
}
