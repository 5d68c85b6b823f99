import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAnyBundle } from '../contract/bundle.ts';
import type { AnyManifest } from '../contract/manifest.ts';
import { writeNetwork } from '../onnx/write-network.ts';
import { writeQuantisedNetwork } from '../onnx/write-quantised-network.ts';
import { type NetworkRecipe, networkVariants } from '../recipe/network-recipe.ts';
import { bundleId, onnxFile } from './describe-bundle.ts';
import { describeNetwork } from './describe-network.ts';
import { type ImportedBundle, isCurrent, openTable } from './keep-bundle.ts';
import { loadNetwork } from './load-network.ts';
import { writeBundle } from './write-bundle.ts';
import { writeCard } from './write-card.ts';

export interface NetworkImportRequest {
  readonly recipe: NetworkRecipe;
  /** Where bundles go, each in a folder of its id, and where the tarball is kept. */
  readonly output: string;
  /** The calibration table's file. */
  readonly calibration: string;
  /** Writes bundles anew that are there already. */
  readonly force?: boolean;
}

/** The weights carry no text of their licence; it is that of this repository, Apache-2.0. */
const licenceFile = fileURLToPath(new URL('../../LICENSE', import.meta.url));

/**
 * Makes the float32 and int8 bundles of a network that finds or reads text. The same recipe and table give the same bytes.
 *
 * Throws `bundle-source-unavailable`, `bundle-hash-mismatch` or `bundle-invalid` where the source or the table is not what it should be.
 */
export async function importNetwork(request: NetworkImportRequest): Promise<ImportedBundle[]> {
  const { recipe, output, force = false } = request;
  const { table, sha256: calibration } = await openTable(request.calibration, recipe.id, recipe.source);
  const wanted = await Promise.all(
    networkVariants.map(async (variant) => {
      const id = bundleId(recipe, variant);
      const folder = join(output, id);
      const isKept = !force && (await isCurrent(folder, recipe, variant === 'int8' ? calibration : undefined));
      return { variant, id, folder, isKept };
    }),
  );
  if (wanted.every(({ isKept }) => isKept)) return wanted.map(({ id, folder }) => ({ id, folder, outcome: 'kept' }));
  const network = await loadNetwork(recipe, output);
  const ranges = new Map(Object.entries(table.ranges));
  const results: ImportedBundle[] = [];
  for (const { variant, id, folder, isKept } of wanted) {
    if (!isKept) {
      const manifest = describeNetwork(recipe, variant, network, calibration);
      const graph =
        variant === 'int8'
          ? writeQuantisedNetwork(network, ranges, new Set(recipe.floatLayers))
          : writeNetwork(network);
      const files = new Map<string, Uint8Array>([
        [onnxFile, graph],
        ['LICENSE', await readFile(licenceFile)],
        ['CARD.md', new TextEncoder().encode(writeCard(manifest, table, recipe))],
      ]);
      await writeBundle<AnyManifest>(folder, manifest, files);
      await loadAnyBundle(folder);
    }
    results.push({ id, folder, outcome: isKept ? 'kept' : 'written' });
  }
  return results;
}
