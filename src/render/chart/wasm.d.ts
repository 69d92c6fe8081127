/** A WebAssembly file imported `with { type: "file" }`: its path, also inside the compiled executable. */
declare module "*.wasm" {
  const path: string;
  export default path;
}
