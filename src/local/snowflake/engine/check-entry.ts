/** A CHECK constraint: its name, and Snowflake's SQL of the condition. */
export interface CheckEntry {
  readonly name: string;
  readonly expression: string;
}
