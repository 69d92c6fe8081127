import configTable from "../../snowflake/01_enhanced_config_table.sql" with { type: "text" };
import streams from "../../snowflake/02_streams_setup.sql" with { type: "text" };
import procedures from "../../snowflake/03_stored_procedures.sql" with { type: "text" };
import tasks from "../../snowflake/04_tasks_setup.sql" with { type: "text" };
import roles from "../../snowflake/05_roles_and_grants.sql" with { type: "text" };
import operatorSummary from "../../snowflake/operator_summary.template.sql" with { type: "text" };
import runAfterDeploy from "../../snowflake/run_after_deploy.template.sql" with { type: "text" };
import type { Script } from "./scripts.ts";

/** The numbered scripts, in their order; they are inside the executable. */
export const SCRIPTS: readonly Script[] = [
  { name: "01_enhanced_config_table.sql", text: configTable },
  { name: "02_streams_setup.sql", text: streams },
  { name: "03_stored_procedures.sql", text: procedures },
  { name: "04_tasks_setup.sql", text: tasks },
  { name: "05_roles_and_grants.sql", text: roles },
];

/** Runs behind the others where there is an address for it; see renderOperatorSummary. */
export const OPERATOR_SUMMARY: Script = {
  name: "operator_summary.template.sql",
  text: operatorSummary,
};

/** For renderRunAfterDeploy. */
export const RUN_AFTER_DEPLOY_TEMPLATE: string = runAfterDeploy;
