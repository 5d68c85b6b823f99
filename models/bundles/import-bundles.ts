import { join } from 'node:path';
import type { CalibrationTable } from '../calibration/table.ts';
import { loadBundle } from '../contract/bundle.ts';
import type { Manifest } from '../contract/manifest.ts';
import { type Variant, variants } from '../contract/places.ts';
import type { Detector } from '../graph/layers.ts';
import { writeFloat } from '../onnx/write-float.ts';
import { writeQuantised } from '../onnx/write-quantised.ts';
import type { Recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { writeTfjs } from '../tfjs/write-graph.ts';
import { bundleId, describeBundle, onnxFile } from './describe-bundle.ts';
import { floatBytes } from './float-bytes.ts';
import { type ImportedBundle, isCurrent, openTable } from './keep-bundle.ts';
import { loadSource } from './load-source.ts';
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

/**
 * Makes the float32, int8 and TensorFlow.js bundles from the pinned tarball. The same recipe and table give the same bytes.
 *
 * Throws `bundle-source-unavailable`, `bundle-hash-mismatch` or `bundle-invalid` where the source or the table is not what it should be.
 */
export async function importBundles(request: ImportRequest): Promise<ImportedBundle[]> {
  const { recipe, output, force = false } = request;
  const { table, sha256: calibration } = await openTable(request.calibration, recipe.id, recipe.source);
  const wanted = variants.map((variant) => ({
    variant,
    id: bundleId(recipe, variant),
    folder: join(output, bundleId(recipe, variant)),
  }));
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
    const manifest = describeBundle(recipe, variant, detector, calibration);
    files.set('anchors.bin', floatBytes(detector.anchors));
    files.set('LICENSE', licence);
    files.set('CARD.md', new TextEncoder().encode(writeCard(manifest, table)));
    await writeBundle<Manifest>(folder, manifest, files);
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
