import { readFile } from 'node:fs/promises';
import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { type CalibrationTable, readTable } from '../calibration/table.ts';
import { loadAnyBundle } from '../contract/bundle.ts';

export interface ImportedBundle {
  readonly id: string;
  readonly folder: string;
  /** `kept`: it was there, verified, and made from the same recipe and table. */
  readonly outcome: 'written' | 'kept';
}

/** What weights come from: a package's tarball or a file. */
type Origin = { readonly integrity: string } | { readonly sha256: string };

/**
 * A calibration table and the SHA-256 of its file. Throws `bundle-file-missing` where there is none, `bundle-invalid` where it is no table or
 * one of other weights.
 */
export async function openTable(
  path: string,
  model: string,
  origin: Origin,
): Promise<{ table: CalibrationTable; sha256: string }> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AtalayaError('bundle-file-missing', `the calibration table ${path} cannot be read`, { cause });
  });
  const table = readTable(text, path);
  if (table.model !== model || stateOf(table.source) !== stateOf(origin)) {
    throw new AtalayaError(
      'bundle-invalid',
      `${path} was made for ${table.model} with weights ${stateOf(table.source)}, not for this recipe`,
      { hint: 'Make it again with `atalaya-models calibrate`.' },
    );
  }
  return { table, sha256: sha256(text) };
}

interface Wanted {
  readonly version: string;
  readonly source: Origin;
}

/** True where the folder holds a whole bundle of this recipe and table; false for an older, damaged or absent one. */
export async function isCurrent(folder: string, wanted: Wanted, calibration: string | undefined): Promise<boolean> {
  try {
    const { manifest } = await loadAnyBundle(folder);
    return (
      manifest.version === wanted.version &&
      stateOf(manifest.provenance) === stateOf(wanted.source) &&
      manifest.provenance.calibration === calibration
    );
  } catch (error) {
    if (isAtalayaError(error)) return false;
    throw error;
  }
}

function stateOf(origin: Origin): string {
  return 'integrity' in origin ? origin.integrity : origin.sha256;
}
