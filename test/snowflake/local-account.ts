import { startLocalSnowflake } from "../../src/local/snowflake/server.ts";
import { splitStatements } from "../../src/report/script.ts";
import { type Connection, openConnection } from "../../src/snowflake/connection.ts";
import { checkSchema } from "../../src/snowflake/schema-check.ts";
import { SCRIPTS } from "../../src/snowflake/script-files.ts";
import { applyScripts, type ObjectChange } from "../../src/snowflake/script-run.ts";
import { renderScript, type ScriptNames } from "../../src/snowflake/scripts.ts";
import { CONTROL_SESSION, DEFAULT_TIMEOUTS } from "../../src/snowflake/settings.ts";

/** A local Snowflake, reached over the wire with Snowflake's own driver. */
export interface LocalAccount extends AsyncDisposable {
  connect(user: string): Promise<Connection>;
}

export async function openLocalAccount(): Promise<LocalAccount> {
  const server = await startLocalSnowflake({ sampleLineItems: 0 });
  const opened: Connection[] = [];
  return {
    async connect(user) {
      const authentication = { method: "password", password: "any" } as const;
      const connection = await openConnection(
        {
          account: "local",
          accessUrl: server.url,
          username: user,
          authentication,
          ocsp: "off",
          timeouts: DEFAULT_TIMEOUTS,
        },
        { sessionParameters: CONTROL_SESSION },
      );
      opened.push(connection);
      return connection;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of opened) await connection[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** What `report-service setup` does. */
export async function setUpSchema(
  connection: Connection,
  names: ScriptNames,
): Promise<{ changes: ObjectChange[]; findings: string[] }> {
  const scripts = SCRIPTS.map(({ name, text }) => ({ name, text: renderScript(text, names) }));
  const changes: ObjectChange[] = [];
  const findings = await checkSchema(connection, scripts, names);
  await applyScripts(connection, scripts, (change) => changes.push(change));
  return { changes, findings };
}

export async function runScript(connection: Connection, script: string): Promise<void> {
  for (const { text } of splitStatements(script)) await connection.execute(text);
}
