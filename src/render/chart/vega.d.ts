/** What vega 6.4.0 exports from its vega-scenegraph and leaves out of its typings. */
import type { Scene } from "vega";

declare module "vega" {
  interface TextItem {
    readonly font?: string;
    readonly fontSize?: number;
    readonly fontWeight?: string | number;
    /** Texts wider than this are cut; 0 or absent: no limit. */
    readonly limit?: number;
  }

  /** Replaceable: without a canvas, vega takes every letter to be 0.8 of the font size wide. */
  const textMetrics: {
    width: (item: TextItem, text: string | number | null | undefined) => number;
  };

  interface View {
    /** The typings say that it is a Scene; the scene is its root. */
    scenegraph(): { readonly root: Scene };
  }

  class CanvasRenderer {
    initialize(
      element: null,
      width: number,
      height: number,
      origin: readonly [number, number],
      scaleFactor: number,
      options: { externalContext: object },
    ): this;
    render(scene: Scene): this;
  }

  class SVGStringRenderer {
    initialize(
      element: null,
      width: number,
      height: number,
      origin: readonly [number, number],
      scaleFactor: number,
    ): this;
    render(scene: Scene): this;
    svg(): string;
  }
}
