import { chooseTarget } from "../../src/trigger/target.ts";

/**
 * A small model of everything that changes the number of workers, searched exhaustively: people who insert rows,
 * calls of the function (which read the desired count and write it later), a service that starts and stops tasks, and
 * workers. The decision is the real `chooseTarget`; the rest is what the design says.
 */
export interface Protocol {
  /** Rows that people insert, each followed by a trigger. */
  readonly inserts: number;
  readonly workersMax: number;
  /** Left idle by an earlier peak. */
  readonly workersAtStart: number;
  /** A trigger writes only when it reads 0, or always. */
  readonly trigger: "if-zero" | "always";
  /** Who writes 0 on an empty queue: the worker itself, or the function on the worker's observation. */
  readonly lowering: "worker" | "function";
  /** After the answer the worker reads the queue again. */
  readonly rereads: boolean;
  /** A worker that is told to stop reads the queue a last time, and tells of what is there. */
  readonly lastLook: boolean;
  /** A worker protects its task before it claims, and the service stops no protected task. */
  readonly protects: boolean;
  /** How many workers may die. */
  readonly crashes: number;
  /** How many writes of 0 may arrive a second time, later. */
  readonly duplicates: number;
  /** How many workers may find that they cannot start with what they were told, and give their place back. */
  readonly unable: number;
  /** The regular tick triggers at any time. */
  readonly ticks: boolean;
}

/** As it is built. */
export const BUILT: Protocol = {
  inserts: 2,
  workersMax: 2,
  workersAtStart: 0,
  trigger: "always",
  lowering: "function",
  rereads: true,
  lastLook: true,
  protects: true,
  crashes: 0,
  duplicates: 0,
  unable: 0,
  ticks: true,
};

export interface Verdict {
  readonly states: number;
  /** Steps to a state from which no row is ever served again, or to which nobody ever goes home; null: there is none. */
  readonly lost: readonly string[] | null;
  /** Steps to a worker that is stopped while it works; null: there are none. */
  readonly killed: readonly string[] | null;
}

/** off: no task. asks: its observation is on the way. answered: it has the answer. leaving: it was told to stop. left: it waits for its last answer. */
type Worker = "off" | "idle" | "asks" | "answered" | "protected" | "busy" | "leaving" | "left";

interface Call {
  readonly from: "trigger" | number;
  readonly isUnable?: true;
  readonly pending: number;
  readonly running: number;
  /** What it read; null: it has yet to read. */
  readonly read: number | null;
}

interface State {
  readonly inserts: number;
  readonly pending: number;
  readonly desired: number;
  readonly workers: readonly Worker[];
  readonly calls: readonly Call[];
  readonly crashes: number;
  readonly duplicates: number;
  readonly unable: number;
  readonly late: number;
}

interface Step {
  readonly name: string;
  readonly next: State;
  readonly kills?: true;
}

export function checkScaling(protocol: Protocol): Verdict {
  const start: State = {
    inserts: protocol.inserts,
    pending: 0,
    desired: protocol.workersAtStart,
    workers: Array.from({ length: protocol.workersMax }, (_, at) =>
      at < protocol.workersAtStart ? "idle" : "off",
    ),
    calls: [],
    crashes: protocol.crashes,
    duplicates: protocol.duplicates,
    unable: protocol.unable,
    late: 0,
  };
  return judge(explore(start, protocol));
}

interface Explored {
  readonly states: State[];
  readonly parents: { from: number; name: string }[];
  readonly sources: number[][];
  readonly kill: { from: number; name: string } | null;
}

function explore(start: State, protocol: Protocol): Explored {
  const indexes = new Map<string, number>([[keyOf(start), 0]]);
  const states = [start];
  const parents = [{ from: -1, name: "" }];
  const sources: number[][] = [[]];
  let kill: Explored["kill"] = null;
  for (let at = 0; at < states.length; at += 1) {
    for (const step of steps(states[at] ?? start, protocol)) {
      if (step.kills === true) kill ??= { from: at, name: step.name };
      const key = keyOf(step.next);
      const known = indexes.get(key) ?? states.length;
      if (known === states.length) {
        indexes.set(key, known);
        states.push(step.next);
        parents.push({ from: at, name: step.name });
        sources.push([]);
      }
      sources[known]?.push(at);
    }
  }
  return { states, parents, sources, kill };
}

/** Workers are alike, and so are calls, so that their order makes no difference; a call knows its worker by place. */
function keyOf(state: State): string {
  const calls = state.calls.map((call) => JSON.stringify(call)).sort();
  return JSON.stringify([{ ...state, calls: [] }, calls]);
}

function judge({ states, parents, sources, kill }: Explored): Verdict {
  const good = new Set<number>(states.flatMap((state, index) => (isHome(state) ? [index] : [])));
  const open = [...good];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    for (const source of sources[index] ?? []) {
      if (good.has(source)) continue;
      good.add(source);
      open.push(source);
    }
  }
  const lost = states.findIndex((_, index) => !good.has(index));
  return {
    states: states.length,
    lost: lost === -1 ? null : pathTo(lost, parents),
    killed: kill === null ? null : [...pathTo(kill.from, parents), kill.name],
  };
}

/** Everything served, and nobody costs anything. */
function isHome(state: State): boolean {
  const { inserts, pending, desired, workers, calls } = state;
  const isQuiet = inserts === 0 && pending === 0 && calls.length === 0;
  return isQuiet && desired === 0 && workers.every((worker) => worker === "off");
}

function pathTo(index: number, parents: Explored["parents"]): string[] {
  const path: string[] = [];
  for (let at = index; at > 0; at = parents[at]?.from ?? 0) path.unshift(parents[at]?.name ?? "");
  return path;
}

function steps(state: State, protocol: Protocol): Step[] {
  return [
    ...outsideSteps(state, protocol),
    ...callSteps(state, protocol),
    ...serviceSteps(state, protocol),
    ...state.workers.flatMap((worker, at) => workerSteps(state, protocol, worker, at)),
  ];
}

const TRIGGER: Call = { from: "trigger", pending: 0, running: 0, read: null };

function outsideSteps(state: State, protocol: Protocol): Step[] {
  const found: Step[] = [];
  if (state.inserts > 0) {
    const { inserts, pending, calls } = state;
    const next = {
      ...state,
      inserts: inserts - 1,
      pending: pending + 1,
      calls: [...calls, TRIGGER],
    };
    found.push({ name: "insert", next });
  }
  if (protocol.ticks && !state.calls.some(({ from }) => from === "trigger")) {
    found.push({ name: "tick", next: { ...state, calls: [...state.calls, TRIGGER] } });
  }
  if (state.late > 0) {
    found.push({ name: "late 0 arrives", next: { ...state, late: state.late - 1, desired: 0 } });
  }
  return found;
}

function callSteps(state: State, protocol: Protocol): Step[] {
  return state.calls.flatMap((call, index) => {
    const others = state.calls.filter((_, at) => at !== index);
    if (call.read === null) {
      const calls = [...others, { ...call, read: state.desired }];
      return [{ name: `${call.from} call reads ${state.desired}`, next: { ...state, calls } }];
    }
    const target = targetOf(call, call.read, protocol);
    const name = `${call.from} call writes ${target ?? "nothing"}`;
    const written = { ...state, desired: target ?? state.desired, calls: others };
    const next = answer(written, call.from);
    const repeated = { ...next, late: next.late + 1, duplicates: next.duplicates - 1 };
    const canRepeat = target === 0 && state.duplicates > 0;
    return canRepeat
      ? [
          { name, next },
          { name: `${name}, and later again`, next: repeated },
        ]
      : [{ name, next }];
  });
}

/** Null: it writes nothing. */
function targetOf(call: Call, read: number, protocol: Protocol): number | null {
  if (call.from === "trigger") {
    if (protocol.trigger === "if-zero" && read > 0) return null;
    return chooseTarget({ kind: "trigger" }, read, protocol.workersMax);
  }
  if (protocol.lowering === "worker") return 0;
  if (call.isUnable === true) return chooseTarget({ kind: "unable" }, read, protocol.workersMax);
  const { pending, running } = call;
  const observation = { pending, running, nextDueAt: null, oldestPendingAt: null };
  const target = chooseTarget({ kind: "observation", observation }, read, protocol.workersMax);
  return target === read ? null : target;
}

function answer(state: State, from: Call["from"]): State {
  const worker = from === "trigger" ? undefined : state.workers[from];
  if (from === "trigger" || (worker !== "asks" && worker !== "left")) return state;
  return withWorker(state, from, worker === "asks" ? "answered" : "off");
}

function serviceSteps(state: State, protocol: Protocol): Step[] {
  const { workers, desired } = state;
  const tasks = workers.filter((worker) => !isGoing(worker)).length;
  if (tasks < desired) {
    const at = workers.indexOf("off");
    return at === -1 ? [] : [{ name: `task ${at} starts`, next: withWorker(state, at, "idle") }];
  }
  if (tasks === desired) return [];
  return workers.flatMap((worker, at) => {
    const isProtected = protocol.protects && (worker === "protected" || worker === "busy");
    if (isGoing(worker) || isProtected) return [];
    if (worker !== "busy")
      return [
        {
          name: `task ${at} is told to stop`,
          next: withWorker(state, at, protocol.lastLook ? "leaving" : "off"),
        },
      ];
    const next = { ...withWorker(state, at, "off"), pending: state.pending + 1 };
    return [{ name: `task ${at} is stopped at work`, next, kills: true as const }];
  });
}

function workerSteps(state: State, protocol: Protocol, worker: Worker, at: number): Step[] {
  const found: Step[] = [];
  const to = (name: string, next: Worker, changes: Partial<State> = {}): void => {
    found.push({
      name: `worker ${at} ${name}`,
      next: { ...withWorker(state, at, next), ...changes },
    });
  };
  if (worker !== "off" && state.crashes > 0) {
    const pending = state.pending + (worker === "busy" ? 1 : 0);
    to("dies", "off", { crashes: state.crashes - 1, pending });
  }
  if (worker === "idle" && state.unable > 0 && !isAsking(state, at)) {
    const call = { from: at, isUnable: true, pending: 0, running: 0, read: null } as const;
    to("cannot start", "left", { unable: state.unable - 1, calls: [...state.calls, call] });
  }
  const ask = (next: Worker, pending: number): void => {
    const running = state.workers.filter((other) => other === "busy").length;
    const calls = [...state.calls, { from: at, pending, running, read: null }];
    to(`tells of ${pending} pending`, next, { calls });
  };
  switch (worker) {
    case "off":
    case "asks":
    case "left":
      break;
    case "idle":
      if (state.pending > 0) to("protects its task", "protected");
      else if (state.desired > 0 && !isAsking(state, at)) ask("asks", 0);
      break;
    case "answered":
      if (protocol.rereads && state.pending > 0 && !isAsking(state, at)) ask("idle", state.pending);
      else if (!protocol.rereads || state.pending === 0) to("rests", "idle");
      break;
    case "protected":
      if (state.pending > 0) to("claims", "busy", { pending: state.pending - 1 });
      else to("finds nothing to claim", "idle");
      break;
    case "busy":
      to("finishes", "idle");
      break;
    case "leaving":
      // Its own observation may still be on the way, and lower the count after everybody else has looked.
      if (isAsking(state, at)) break;
      if (state.pending === 0) to("leaves", "off");
      else ask("left", state.pending);
  }
  return found;
}

/** The service counts neither a stopped task nor one that is on its way out. */
function isGoing(worker: Worker): boolean {
  return worker === "off" || worker === "leaving" || worker === "left";
}

function isAsking(state: State, at: number): boolean {
  return state.calls.some(({ from }) => from === at);
}

function withWorker(state: State, at: number, worker: Worker): State {
  return {
    ...state,
    workers: state.workers.map((other, index) => (index === at ? worker : other)),
  };
}
