import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { parse } from '../../device/kernel/schema.ts';
import { type AnyManifest, type Manifest, type ManifestOf, manifestSchema, type Task } from './manifest.ts';
import { refuseContradictions, refuseUnknownInput } from './refuse-manifest.ts';

export const manifestName = 'manifest.json';

/** A bundle whose files were all present and unaltered when it was loaded. */
export interface Bundle<M extends AnyManifest = AnyManifest> {
  readonly folder: string;
  readonly manifest: M;
  /** SHA-256 of `manifest.json`, which names the SHA-256 of every other file: one figure that identifies the whole model. */
  readonly sha256: string;
  /**
   * The bytes of one of the bundle's files, verified anew: what is used is what was checked.
   * Throws `bundle-file-missing` or `bundle-hash-mismatch`, naming the file.
   */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
}

/** The vehicle detector's bundle. */
export interface ModelBundle extends Bundle<Manifest> {
  /** Corners of the anchors, `[count * 4]`: y min, x min, y max, x max, in unit coordinates of the input picture. */
  readonly anchors: Float32Array;
}

/**
 * Loads the vehicle detector's bundle, or refuses it by name.
 *
 * Throws what `loadBundleFor` throws.
 */
export async function loadBundle(folder: string): Promise<ModelBundle> {
  const bundle = await loadBundleFor(folder, 'vehicle-detection');
  return { ...bundle, anchors: readAnchors(await bundle.read(bundle.manifest.anchors.file)) };
}

/**
 * Loads a bundle that was made for one task. Throws what `loadAnyBundle` throws, and `bundle-invalid` where the bundle is one of
 * another task, naming both.
 */
export async function loadBundleFor<T extends Task>(folder: string, task: T): Promise<Bundle<ManifestOf<T>>> {
  const bundle = await loadAnyBundle(folder);
  if (!isFor(bundle, task)) {
    throw new AtalayaError(
      'bundle-invalid',
      `${bundle.manifest.id} in ${folder} is a bundle for ${bundle.manifest.task}; one for ${task} is wanted`,
      { hint: 'Name the folder of a bundle that was made for this task.' },
    );
  }
  return bundle;
}

function isFor<T extends Task>(bundle: Bundle, task: T): bundle is Bundle<ManifestOf<T>> {
  return bundle.manifest.task === task;
}

/**
 * Loads a bundle of any task, or refuses it by name.
 *
 * Throws `bundle-file-missing` (folder, manifest or file absent), `bundle-invalid` (manifest that is no JSON, breaks the schema or
 * contradicts itself), `bundle-hash-mismatch` (size or SHA-256 differ) and `bundle-input-unknown` (an input that no engine here feeds).
 */
export async function loadAnyBundle(folder: string): Promise<Bundle> {
  const path = join(folder, manifestName);
  const bytes = await readPresent(path, manifestName, folder);
  const manifest = parse(manifestSchema, parseJson(bytes, path), path, 'bundle-invalid');
  refuseUnknownInput(manifest, path);
  refuseContradictions(manifest, path, manifestName);
  const read = (name: string) => readVerified(folder, manifest, name);
  for (const name of Object.keys(manifest.files)) await read(name);
  return { folder, manifest, sha256: sha256(bytes), read };
}

async function readVerified(folder: string, manifest: AnyManifest, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const expected = Object.hasOwn(manifest.files, name) ? manifest.files[name] : undefined;
  if (expected === undefined)
    throw new AtalayaError('bundle-file-missing', `${name} is not part of the bundle ${folder}`);
  const bytes = await readPresent(join(folder, name), name, folder);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (bytes.byteLength !== expected.size || actual !== expected.sha256) {
    throw new AtalayaError(
      'bundle-hash-mismatch',
      `${name} in ${folder} has ${bytes.byteLength} bytes and SHA-256 ${actual}; the manifest states ${expected.size} and ${expected.sha256}`,
      { hint: 'The file was altered or cut short. Install the bundle again.' },
    );
  }
  return bytes;
}

async function readPresent(path: string, name: string, folder: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AtalayaError(
      'bundle-file-missing',
      `${name} cannot be read in the bundle ${folder} (${systemCode(cause) ?? cause})`,
      {
        hint: 'Run `make models`, or name the folder of a complete bundle.',
        cause,
      },
    );
  }
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AtalayaError('bundle-invalid', `${path} is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      hint: 'Make the bundle again with `make models`.',
      cause,
    });
  }
}

function readAnchors(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, i) => view.getFloat32(i * 4, true));
}
