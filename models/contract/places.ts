import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Where `make models` puts bundles, and keeps the tarball that they are made from. */
export const bundlesFolder = join(root, '.build', 'models');

/** The folder of a bundle as a configuration names it: a name under `bundlesFolder`, or a path. */
export function bundleFolder(bundle: string): string {
  return bundle.includes('/') ? bundle : join(bundlesFolder, bundle);
}

/** The forms in which a recipe's model is written: ONNX float32, ONNX int8, and the TensorFlow.js graph. */
export const variants = ['float', 'int8', 'tfjs'] as const;
export type Variant = (typeof variants)[number];

/** Folder of the vehicle detector's bundle; `int8` is what a unit runs. */
export function detectorFolder(variant: Variant, bundles: string = bundlesFolder): string {
  return join(bundles, `ssdlite-mobilenet-v2-${variant}`);
}

/** Folder of a bundle for plates: `plate-finder-ppocr-v4` finds text, `plate-reader-ppocr-v4` reads it; `int8` is what a unit runs. */
export function plateFolder(
  model: 'plate-finder-ppocr-v4' | 'plate-reader-ppocr-v4' | 'plate-reader-atalaya',
  variant: 'float' | 'int8',
  bundles: string = bundlesFolder,
): string {
  return join(bundles, `${model}-${variant}`);
}
