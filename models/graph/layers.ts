/**
 * The detector between its source format and the formats that it is written in: convolutions with folded bias and activation,
 * residual sums, and two lists of heads. Batch normalisation, bias and activation nodes are gone; layout is NCHW, batch 1.
 */

/** Channels, height, width. */
export type Shape = readonly [channels: number, height: number, width: number];

export interface Convolution {
  readonly kind: 'convolution';
  readonly name: string;
  readonly input: string;
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  /** `[out, in / group, kernel height, kernel width]`, row-major. */
  readonly weights: Float32Array;
  readonly kernel: readonly [out: number, inPerGroup: number, height: number, width: number];
  readonly bias: Float32Array;
  readonly group: number;
  readonly strides: readonly [number, number];
  /** Zero padding: top, left, bottom, right. At stride 2 TensorFlow's SAME pads bottom and right only. */
  readonly pads: readonly [number, number, number, number];
  readonly activation: 'none' | 'relu6';
}

export interface Sum {
  readonly kind: 'sum';
  readonly name: string;
  readonly inputs: readonly [string, string];
  readonly outputShape: Shape;
}

export type Layer = Convolution | Sum;

/** A convolution whose `[anchors per cell * values, h, w]` output is one feature map's part of an output tensor. */
export interface Head {
  readonly layer: string;
  readonly valuesPerAnchor: number;
}

export interface Detector {
  /** In an order in which each layer's inputs come before it. */
  readonly layers: readonly Layer[];
  readonly boxHeads: readonly Head[];
  readonly scoreHeads: readonly Head[];
  /** `normalised = byte * scale - offset`. */
  readonly normalisation: { readonly scale: number; readonly offset: number };
  readonly inputShape: Shape;
  /** Corners, `[count * 4]`: y min, x min, y max, x max, in unit coordinates. */
  readonly anchors: Float32Array;
  readonly boxCoding: { readonly centreScale: number; readonly sizeScale: number };
}

/** The name under which a layer's input refers to the normalised picture. */
export const pictureName = 'picture';
