/** Libraries in WebAssembly with a C interface: their functions take and return numbers, pointers among them. */
import { readFileSync } from "node:fs";

type NativeFunction = (...values: number[]) => number;

export interface NativeLibrary<Name extends string> {
  readonly memory: WebAssembly.Memory;
  /** Calls a function of the library; one that returns nothing gives NaN. */
  readonly call: (name: Name, ...values: number[]) => number;
}

export interface NativeBytes {
  readonly at: number;
  readonly length: number;
}

/** Compiles without waiting: texts are composed synchronously. */
export function compileNative(path: string): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(path));
}

/** Throws when the library lacks one of the functions `names`. */
export function openNative<Name extends string>(
  module: WebAssembly.Module,
  imports: NonNullable<ConstructorParameters<typeof WebAssembly.Instance>[1]>,
  names: readonly Name[],
): NativeLibrary<Name> {
  const { exports } = new WebAssembly.Instance(module, imports);
  const { memory } = exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new Error("The library has no memory");
  const functions = new Map(names.map((name) => [name, bindFunction(exports, name)]));
  return { memory, call: (name, ...values) => functions.get(name)?.(...values) ?? Number.NaN };
}

function bindFunction(exports: WebAssembly.Instance["exports"], name: string): NativeFunction {
  const found = exports[name];
  if (typeof found !== "function") throw new Error(`The library has no function ${name}`);
  return (...values) => Number(Reflect.apply(found, undefined, values));
}

/** Copies bytes into memory of the library; null when it has none left. */
export function copyIn(library: NativeLibrary<"malloc">, bytes: Uint8Array): NativeBytes | null {
  const at = library.call("malloc", bytes.length);
  if (at === 0) return null;
  new Uint8Array(library.memory.buffer).set(bytes, at);
  return { at, length: bytes.length };
}
