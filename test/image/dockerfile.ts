import { join } from "node:path";

/** An instruction of a Dockerfile, its continued lines joined. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

export const root = join(import.meta.dir, "../..");

/** The instructions of each stage, the last of which is the image. */
export async function readStages(): Promise<Instruction[][]> {
  const text = await Bun.file(join(root, "Dockerfile")).text();
  const lines = text
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\\\n\s*/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const stages: Instruction[][] = [];
  for (const line of lines) {
    const [, name = "", text = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === "FROM") stages.push([]);
    stages.at(-1)?.push({ name, text });
  }
  return stages;
}

export async function readImage(): Promise<Instruction[]> {
  return (await readStages()).at(-1) ?? [];
}

/** The names and values of ENV or LABEL. */
export function pairsOf(image: readonly Instruction[], name: string): Record<string, string> {
  const pairs = image
    .filter((instruction) => instruction.name === name)
    .flatMap(({ text }) => [...text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S+))/g)]);
  return Object.fromEntries(pairs.map(([, key, quoted, plain]) => [key, quoted ?? plain ?? ""]));
}

/** What an instruction that may be there once says; empty when it is not there. */
export function textOf(image: readonly Instruction[], name: string): string {
  return image.findLast((instruction) => instruction.name === name)?.text ?? "";
}
