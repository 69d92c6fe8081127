import { beforeEach, describe, expect, test } from "bun:test";
import { createConsola, LogLevels } from "consola";
import { noticeTasks } from "../../src/commands/task-notices.ts";
import type { TaskRun } from "../../src/local/snowflake/server.ts";

let lines: string[];
let tell: (run: Readonly<TaskRun>) => void;
beforeEach(() => {
  lines = [];
  const reporter = {
    log: ({ type, args }: { type: string; args: unknown[] }) => {
      lines.push(`${type}: ${args.join(" ")}`);
    },
  };
  tell = noticeTasks(createConsola({ reporters: [reporter], throttle: 0, level: LogLevels.info }));
});

function end(STATE: TaskRun["STATE"], ERROR_MESSAGE: string | null = null, NAME = "T"): void {
  tell({
    QUERY_ID: "01c89855-df7e-22ee-0000-0000000000a5",
    NAME,
    DATABASE_NAME: "D",
    SCHEMA_NAME: "S",
    QUERY_TEXT: "CALL P()",
    CONDITION_TEXT: null,
    STATE,
    ERROR_CODE: null,
    ERROR_MESSAGE,
    SCHEDULED_TIME: "2026-01-01T00:00:00.000Z",
    QUERY_START_TIME: null,
    NEXT_SCHEDULED_TIME: null,
    COMPLETED_TIME: null,
    ROOT_TASK_ID: "1",
    RUN_ID: 1,
    RETURN_VALUE: null,
    SCHEDULED_FROM: "SCHEDULE",
    ATTEMPT_NUMBER: 1,
  });
}

describe("what a person hears of tasks", () => {
  test("nothing while all is well", () => {
    end("SUCCEEDED");
    end("SKIPPED", "Conditional expression for task evaluated to false.");
    end("CANCELLED", "SQL execution canceled");
    expect(lines).toEqual([]);
  });

  test("a failure once, on one line, until it changes or ends", () => {
    end("FAILED", "no\nanswer");
    end("FAILED", "no\nanswer");
    end("SKIPPED");
    end("FAILED", "nobody");
    end("SUCCEEDED");
    end("SUCCEEDED");
    end("FAILED", "nobody");
    expect(lines).toEqual([
      "warn: task T failed: no answer; nothing is lost, its next run tries again",
      "warn: task T failed: nobody; nothing is lost, its next run tries again",
      "info: task T succeeds again",
      "warn: task T failed: nobody; nothing is lost, its next run tries again",
    ]);
  });

  test("the same failure of another call is the same", () => {
    end("FAILED", "batch id: 01c89855-df7e-22ee-0000-0000000000a5:1:1:0:0. Error: x");
    end("FAILED", "batch id: 01c89855-df7e-22ee-0000-0000000000a6:1:1:0:0. Error: x");
    expect(lines).toHaveLength(1);
  });

  test("each task for itself", () => {
    end("FAILED", "x", "A");
    end("FAILED", "x", "B");
    end("SUCCEEDED", null, "B");
    expect(lines).toHaveLength(3);
    expect(lines[2]).toBe("info: task B succeeds again");
  });

  test("that it is suspended, and how it goes on", () => {
    end("FAILED", "x");
    end("FAILED_AND_AUTO_SUSPENDED", "x");
    expect(lines[1]).toBe(
      "error: task T failed too often and is suspended: x; go on with ALTER TASK D.S.T RESUME;",
    );
  });
});
