import {
  GetParameterCommand,
  ParameterAlreadyExists,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from "@aws-sdk/client-ssm";
import { randomBytes } from "node:crypto";
import { explainCall } from "./failure.ts";

/**
 * The key that signs links, kept in a SecureString parameter. Nobody has to make it: the first who needs it does, and
 * of two who do so at once the first wins. It never is in a template, a state or an environment. Throws an Error that names
 * the parameter, and the permission when that is what is missing.
 */
export async function readLinkKey(client: SSMClient, name: string): Promise<string> {
  const found = await readParameter(client, name);
  if (found !== null) return found;
  try {
    const value = randomBytes(32).toString("base64url");
    await client.send(
      new PutParameterCommand({ Name: name, Value: value, Type: "SecureString", Overwrite: false }),
    );
  } catch (thrown) {
    if (!(thrown instanceof ParameterAlreadyExists)) {
      throw explainCall({ action: "ssm:PutParameter", on: `the parameter "${name}"` }, thrown);
    }
  }
  const made = await readParameter(client, name);
  if (made === null) throw new Error(`the parameter "${name}" was made and cannot be read`);
  return made;
}

async function readParameter(client: SSMClient, name: string): Promise<string | null> {
  try {
    const { Parameter } = await client.send(
      new GetParameterCommand({ Name: name, WithDecryption: true }),
    );
    return Parameter?.Value ?? null;
  } catch (thrown) {
    if (thrown instanceof ParameterNotFound) return null;
    throw explainCall({ action: "ssm:GetParameter", on: `the parameter "${name}"` }, thrown);
  }
}
