import configTable from "../../snowflake/01_enhanced_config_table.sql" with { type: "text" };
import type { Script } from "./scripts.ts";

/** The numbered scripts, in their order; they are inside the executable. */
export const SCRIPTS: readonly Script[] = [
  { name: "01_enhanced_config_table.sql", text: configTable },
];
