/** A font file imported `with { type: "file" }`: its path, also inside the compiled executable. */
declare module "*.ttf" {
  const path: string;
  export default path;
}
