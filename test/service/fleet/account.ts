import {
  CreateClusterCommand,
  CreateServiceCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from "@aws-sdk/client-ecs";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { SESClient, VerifyEmailIdentityCommand } from "@aws-sdk/client-ses";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";

export const REGION = "eu-central-1";
export const CLUSTER = "report-service-cluster";
export const SERVICE = "report-service";
export const BUCKET = "report-files";
export const SENDER = "reports@example.com";
export const LINK_KEY = "/report-service/test/link-key";
export const SECRET = "report-service/snowflake";

/** Makes in the AWS of this process's environment what a deploy makes, as far as the service sees it. */
export async function createAccount(): Promise<void> {
  const ecs = new ECSClient();
  await ecs.send(new CreateClusterCommand({ clusterName: CLUSTER }));
  const worker = { name: "worker", image: "report-service:1", memory: 1024 };
  await ecs.send(
    new RegisterTaskDefinitionCommand({ family: SERVICE, containerDefinitions: [worker] }),
  );
  await ecs.send(
    new CreateServiceCommand({
      cluster: CLUSTER,
      serviceName: SERVICE,
      taskDefinition: SERVICE,
      desiredCount: 0,
    }),
  );
  await new S3Client({ forcePathStyle: true }).send(
    new CreateBucketCommand({
      Bucket: BUCKET,
      CreateBucketConfiguration: { LocationConstraint: REGION },
    }),
  );
  await new SESClient().send(new VerifyEmailIdentityCommand({ EmailAddress: SENDER }));
  await new SSMClient().send(
    new PutParameterCommand({ Name: LINK_KEY, Type: "SecureString", Value: "a key for links" }),
  );
  await new SecretsManagerClient().send(
    new CreateSecretCommand({ Name: SECRET, SecretString: "{}" }),
  );
}

export async function writeSecret(secret: Readonly<Record<string, unknown>>): Promise<void> {
  await new SecretsManagerClient().send(
    new PutSecretValueCommand({ SecretId: SECRET, SecretString: JSON.stringify(secret) }),
  );
}
