/** Pictures by resvg (WebAssembly), which is embedded in the executable. */
import wasmPath from "@resvg/resvg-wasm/index_bg.wasm" with { type: "file" };
import { initWasm, Resvg } from "@resvg/resvg-wasm";
import { COLOR } from "./theme.ts";

let ready: Promise<void> | undefined;

function loadResvg(): Promise<void> {
  // resvg refuses to be set up twice.
  ready ??= Bun.file(wasmPath).arrayBuffer().then(initWasm);
  return ready;
}

/** An SVG as PNG, that many pixels wide, on white. `family` is the font of texts whose own is not in the files. */
export async function drawPng(
  svg: string,
  widthPx: number,
  fonts: { files: Uint8Array[]; family: string },
): Promise<Uint8Array> {
  await loadResvg();
  using image = disposable(
    new Resvg(svg, {
      background: COLOR.paper,
      fitTo: { mode: "width", value: widthPx },
      font: { fontBuffers: fonts.files, defaultFontFamily: fonts.family },
    }),
  );
  using picture = disposable(image.value.render());
  return picture.value.asPng();
}

/** What resvg makes lives in the memory of the WebAssembly, where no garbage collection reaches. */
function disposable<T extends { free(): void }>(value: T): Disposable & { readonly value: T } {
  return { value, [Symbol.dispose]: () => value.free() };
}
