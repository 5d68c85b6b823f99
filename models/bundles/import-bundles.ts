import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { type CalibrationTable, readTable } from '../calibration/table.ts';
import { loadBundle } from '../contract/bundle.ts';
import type { Manifest } from '../contract/manifest.ts';
import { type Variant, variants } from '../contract/places.ts';
import type { Detector } from '../graph/layers.ts';
import { outputShape } from '../onnx/heads.ts';
import { tensorNames } from '../onnx/names.ts';
import { writeFloat } from '../onnx/write-float.ts';
import { writeQuantised } from '../onnx/write-quantised.ts';
import type { Recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { tfjsFiles, writeTfjs } from '../tfjs/write-graph.ts';
import { loadSource } from './load-detector.ts';
import { writeBundle } from './write-bundle.ts';
import { writeCard } from './write-card.ts';

export interface ImportRequest {
  readonly recipe: Recipe;
  /** Where bundles go, each in a folder of its id, and where the tarball is kept. */
  readonly output: string;
  /** The calibration table's file. */
  readonly calibration: string;
  /** Writes bundles anew that are there already. */
  readonly force?: boolean;
}

export interface ImportedBundle {
  readonly id: string;
  readonly folder: string;
  /** `kept`: it was there, verified, and made from the same recipe and table. */
  readonly outcome: 'written' | 'kept';
}

/** Folder of one variant. */
export function bundleId(recipe: Recipe, variant: Variant): string {
  return `${recipe.id}-${variant}`;
}

/**
 * Makes the float32, int8 and TensorFlow.js bundles from the pinned tarball. The same recipe and table give the same bytes.
 *
 * Throws `bundle-source-unavailable`, `bundle-hash-mismatch` or `bundle-invalid` where the source or the table is not what it should be.
 */
export async function importBundles(request: ImportRequest): Promise<ImportedBundle[]> {
  const { recipe, output, force = false } = request;
  const text = await readFile(request.calibration, 'utf8').catch((cause: unknown) => {
    throw new AtalayaError('bundle-file-missing', `the calibration table ${request.calibration} cannot be read`, {
      cause,
    });
  });
  const table = readTable(text, request.calibration);
  refuseOtherSource(recipe, table, request.calibration);
  const wanted = variants.map((variant) => ({
    variant,
    id: bundleId(recipe, variant),
    folder: join(output, bundleId(recipe, variant)),
  }));
  const calibration = sha256(text);
  const present = await Promise.all(
    wanted.map(({ folder, variant }) => isCurrent(folder, recipe, variant === 'int8' ? calibration : undefined)),
  );
  if (!force && present.every(Boolean)) return wanted.map(({ id, folder }) => ({ id, folder, outcome: 'kept' }));
  const source = await loadSource(recipe, output);
  const results: ImportedBundle[] = [];
  for (const [i, { variant, id, folder }] of wanted.entries()) {
    if (!force && present[i]) {
      results.push({ id, folder, outcome: 'kept' });
      continue;
    }
    const { graph, detector, licence } = source;
    const files = filesOf(variant, () => writeTfjs(graph, recipe), detector, table);
    const manifest = describe(recipe, variant, detector, calibration);
    files.set('anchors.bin', floatBytes(detector.anchors));
    files.set('LICENSE', licence);
    files.set('CARD.md', new TextEncoder().encode(writeCard(manifest, table)));
    await writeBundle(folder, manifest, files);
    await loadBundle(folder);
    results.push({ id, folder, outcome: 'written' });
  }
  return results;
}

function filesOf(
  variant: Variant,
  tfjs: () => Map<string, Uint8Array>,
  detector: Detector,
  table: CalibrationTable,
): Map<string, Uint8Array> {
  switch (variant) {
    case 'float':
      return new Map([[onnxFile, writeFloat(detector)]]);
    case 'int8':
      return new Map([[onnxFile, writeQuantised(detector, new Map(Object.entries(table.ranges)))]]);
    case 'tfjs':
      return tfjs();
  }
}

const onnxFile = 'model.onnx';

function describe(recipe: Recipe, variant: Variant, detector: Detector, calibration: string): Omit<Manifest, 'files'> {
  const { package: name, version, integrity } = recipe.source;
  const { width, height } = recipe.input;
  return {
    schema: 'atalaya.model-bundle/1',
    id: bundleId(recipe, variant),
    version: recipe.version,
    task: 'vehicle-detection',
    engine: variant === 'tfjs' ? 'tfjs' : 'onnx',
    precision: variant === 'int8' ? 'int8' : 'float32',
    graph: variant === 'tfjs' ? tfjsFiles.graph : onnxFile,
    input: { name: tensorNames.input, width, height, layout: 'NHWC', dtype: 'uint8', colour: 'RGB' },
    outputs: {
      boxes: { name: tensorNames.boxes, shape: outputShape(detector, detector.boxHeads) },
      scores: { name: tensorNames.scores, shape: outputShape(detector, detector.scoreHeads) },
    },
    anchors: {
      file: 'anchors.bin',
      count: detector.anchors.length / 4,
      coding: { kind: 'ssd', order: 'y,x,height,width', ...detector.boxCoding },
    },
    classes: recipe.classes.map((kept) => ({ ...kept })),
    licence: recipe.licence,
    provenance: {
      package: name,
      version,
      integrity,
      description: recipe.description,
      ...(variant === 'int8' ? { calibration } : {}),
    },
    metrics: { multiplyAdds: multiplyAdds(detector) },
  };
}

/** Multiplications of one inference: a figure that does not depend on a machine. */
function multiplyAdds(detector: Detector): number {
  return detector.layers.reduce((sum, layer) => {
    if (layer.kind !== 'convolution') return sum;
    const [, height, width] = layer.outputShape;
    return sum + layer.weights.length * height * width;
  }, 0);
}

function floatBytes(values: Float32Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, i) => {
    bytes.setFloat32(i * 4, value, true);
  });
  return new Uint8Array(bytes.buffer);
}

function refuseOtherSource(recipe: Recipe, table: CalibrationTable, path: string): void {
  if (table.model !== recipe.id || table.source.integrity !== recipe.source.integrity) {
    throw new AtalayaError(
      'bundle-invalid',
      `${path} was made for ${table.model} with weights ${table.source.integrity}, not for this recipe`,
      {
        hint: 'Make it again with `atalaya-models calibrate`.',
      },
    );
  }
}

/** True where the folder holds a whole bundle of this recipe and table; false for an older, damaged or absent one. */
async function isCurrent(folder: string, recipe: Recipe, calibration: string | undefined): Promise<boolean> {
  try {
    const { manifest } = await loadBundle(folder);
    return (
      manifest.version === recipe.version &&
      manifest.provenance.integrity === recipe.source.integrity &&
      manifest.provenance.calibration === calibration &&
      manifest.classes.map((kept) => kept.cocoId).join() === recipe.classes.map((kept) => kept.cocoId).join()
    );
  } catch (error) {
    if (isAtalayaError(error)) return false;
    throw error;
  }
}
