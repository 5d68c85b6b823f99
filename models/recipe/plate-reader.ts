import type { ReaderRecipe } from './network-recipe.ts';

/**
 * Reads a line of text 48 pixels high, as PP-OCRv4's recogniser, but taught on drawn plates; kept here, with how it was made, in
 * `plate-reader/`.
 */
export const plateReaderAtalaya: ReaderRecipe = {
  id: 'plate-reader-atalaya',
  version: '1.0.0',
  task: 'text-recognition',
  source: {
    kind: 'file',
    path: 'plate-reader/plate-reader.onnx',
    sha256: '4de5a910fe22167e575d286ec8016b1c2cfeaf5a69a7bebf876c7b6a8158db27',
  },
  licence: 'Apache-2.0',
  licenceStatement:
    'Fine-tuned by this project from the recogniser of PaddleOCR (github.com/PaddlePaddle/PaddleOCR), which publishes code and models under ' +
    'Apache-2.0',
  description:
    "PP-OCRv4's text recognition (mobile), fine-tuned on synthetic plates of 17 national families; its last layer has the 36 characters of plates",
  normalisation: { order: 'RGB', mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] },
  logits: 'logits',
  height: 48,
  width: { multiple: 8, smallest: 32, largest: 640 },
  stride: 8,
  alphabet: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  characters: 'alphabet',
  floatLayers: [],
};
