import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { parse } from '../../device/kernel/schema.ts';
import { type Manifest, manifestSchema } from './manifest.ts';

export const manifestName = 'manifest.json';

/** A bundle whose files were all present and unaltered when it was loaded. */
export interface ModelBundle {
  readonly folder: string;
  readonly manifest: Manifest;
  /** SHA-256 of `manifest.json`, which names the SHA-256 of every other file: one figure that identifies the whole model. */
  readonly sha256: string;
  /** Corners of the anchors, `[count * 4]`: y min, x min, y max, x max, in unit coordinates of the input picture. */
  readonly anchors: Float32Array;
  /**
   * The bytes of one of the bundle's files, verified anew: what is used is what was checked.
   * Throws `bundle-file-missing` or `bundle-hash-mismatch`, naming the file.
   */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Loads a bundle, or refuses it by name.
 *
 * Throws `bundle-file-missing` (folder, manifest or file absent), `bundle-invalid` (manifest that is no JSON, breaks the schema or
 * contradicts itself), `bundle-hash-mismatch` (size or SHA-256 differ) and `bundle-input-unknown` (an input that no engine here feeds).
 */
export async function loadBundle(folder: string): Promise<ModelBundle> {
  const path = join(folder, manifestName);
  const bytes = await readPresent(path, manifestName, folder);
  const manifest = parse(manifestSchema, parseJson(bytes, path), path, 'bundle-invalid');
  refuseUnknownInput(manifest, path);
  refuseContradictions(manifest, path);
  const read = (name: string) => readVerified(folder, manifest, name);
  for (const name of Object.keys(manifest.files)) await read(name);
  return { folder, manifest, sha256: sha256(bytes), anchors: readAnchors(await read(manifest.anchors.file)), read };
}

/** Picture as `[height, width, 3]` bytes, red first: what a decoder delivers, so nothing in JavaScript prepares a tensor. */
const knownInput = { layout: 'NHWC', dtype: 'uint8', colour: 'RGB' } as const;
const largestSide = 4096;

function refuseUnknownInput(manifest: Manifest, path: string): void {
  const { input } = manifest;
  const refuse = (field: string, value: string | number, wanted: string): never => {
    throw new AtalayaError('bundle-input-unknown', `${path}: input.${field} is ${value}; only ${wanted} can be fed`, {
      hint: 'Use a bundle that was made for this version, or update the unit.',
    });
  };
  for (const field of ['layout', 'dtype', 'colour'] as const) {
    if (input[field] !== knownInput[field]) refuse(field, input[field], knownInput[field]);
  }
  for (const field of ['width', 'height'] as const) {
    if (input[field] > largestSide) refuse(field, input[field], `1 to ${largestSide} pixels`);
  }
}

function refuseContradictions(manifest: Manifest, path: string): void {
  const { anchors, classes, outputs, files } = manifest;
  const refuse = (message: string): never => {
    throw new AtalayaError('bundle-invalid', `${path}: ${message}`, {
      hint: 'Make the bundle again with `make models`.',
    });
  };
  const [, boxRows, boxColumns] = outputs.boxes.shape;
  const [, scoreRows, scoreColumns] = outputs.scores.shape;
  if (boxRows !== anchors.count) refuse(`outputs.boxes.shape has ${boxRows} rows for ${anchors.count} anchors`);
  if (scoreRows !== anchors.count) refuse(`outputs.scores.shape has ${scoreRows} rows for ${anchors.count} anchors`);
  if (boxColumns !== 4) refuse(`outputs.boxes.shape has ${boxColumns} columns instead of 4`);
  if (scoreColumns !== classes.length)
    refuse(`outputs.scores.shape has ${scoreColumns} columns for ${classes.length} classes`);
  for (const [field, name] of [
    ['graph', manifest.graph],
    ['anchors.file', anchors.file],
  ] as const) {
    if (!Object.hasOwn(files, name)) refuse(`${field} names ${name}, which is not listed under files`);
  }
  if (Object.hasOwn(files, manifestName)) refuse(`files lists ${manifestName}, which cannot hold its own hash`);
  if (files[anchors.file]?.size !== anchors.count * 16)
    refuse(`${anchors.file} does not hold ${anchors.count} anchors`);
}

async function readVerified(folder: string, manifest: Manifest, name: string): Promise<Uint8Array<ArrayBuffer>> {
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
