import { openControl, openSnowflake, type SnowflakeAccess } from "../app.ts";
import { type Config, loadConfig } from "../config.ts";
import type { Connection } from "../snowflake/connection.ts";
import { SCRIPTS } from "../snowflake/script-files.ts";
import { applyScripts, renderScript, type ScriptProgress } from "../snowflake/scripts.ts";

/** What most commands need: the settings, Snowflake, and a connection to the queue's tables. */
export interface Control {
  readonly config: Config;
  readonly access: SnowflakeAccess;
  readonly connection: Connection;
}

/** Opens the queue for one command and closes it whatever happens. A local Snowflake gets its tables first. */
export async function withControl<T>(work: (control: Control) => Promise<T>): Promise<T> {
  const config = loadConfig();
  await using access = await openSnowflake(config);
  if (access.local?.isStarted === true) await setUp(access, () => {});
  await using connection = await openControl(access.settings);
  return await work({ config, access, connection });
}

/** Applies the scripts with the names of the settings. The session opens before the schema is there. */
export async function setUp(
  access: SnowflakeAccess,
  onStatement: (progress: ScriptProgress) => void,
): Promise<void> {
  const { database, schema, warehouse, role } = access.settings;
  const names = {
    ...(database === undefined ? {} : { database }),
    ...(schema === undefined ? {} : { schema }),
    ...(warehouse === undefined ? {} : { warehouse }),
    ...(role === undefined ? {} : { role }),
  };
  const scripts = SCRIPTS.map(({ name, text }) => ({ name, text: renderScript(text, names) }));
  await using connection = await openControl(access.settings);
  await applyScripts(connection, scripts, onStatement);
}
