import { AtalayaError } from '../../device/kernel/errors.ts';
import type { AnyManifest, Manifest, ReadingManifest, SideLimits } from './manifest.ts';

/** What a schema cannot say: that the parts of a manifest fit each other, and that somebody here can feed what it asks for. */

/** Picture as `[height, width, 3]` bytes, red first: what a decoder delivers, so nothing in JavaScript prepares a tensor. */
const knownInput = { layout: 'NHWC', dtype: 'uint8', colour: 'RGB' } as const;
const largestSide = 4096;

/** Throws `bundle-input-unknown`, naming the field, for an input that no engine here feeds. */
export function refuseUnknownInput({ input }: AnyManifest, path: string): void {
  const refuse = (field: string, value: string | number, wanted: string): never => {
    throw new AtalayaError('bundle-input-unknown', `${path}: input.${field} is ${value}; only ${wanted} can be fed`, {
      hint: 'Use a bundle that was made for this version, or update the unit.',
    });
  };
  for (const field of ['layout', 'dtype', 'colour'] as const) {
    if (input[field] !== knownInput[field]) refuse(field, input[field], knownInput[field]);
  }
  for (const field of ['width', 'height'] as const) {
    const side = input[field];
    const largest = typeof side === 'number' ? side : side.largest;
    if (largest > largestSide) refuse(field, largest, `1 to ${largestSide} pixels`);
  }
}

/** Throws `bundle-invalid`, naming the fields, for a manifest that contradicts itself. `manifestName` is the manifest's own file name. */
export function refuseContradictions(manifest: AnyManifest, path: string, manifestName: string): void {
  const refuse = (message: string): never => {
    throw new AtalayaError('bundle-invalid', `${path}: ${message}`, {
      hint: 'Make the bundle again with `make models`.',
    });
  };
  const { files, graph } = manifest;
  if (!Object.hasOwn(files, graph)) refuse(`graph names ${graph}, which is not listed under files`);
  if (Object.hasOwn(files, manifestName)) refuse(`files lists ${manifestName}, which cannot hold its own hash`);
  switch (manifest.task) {
    case 'vehicle-detection':
      refuseDetection(manifest, refuse);
      break;
    case 'text-detection':
      refuseSide('width', manifest.input.width, refuse);
      refuseSide('height', manifest.input.height, refuse);
      break;
    case 'text-recognition':
      refuseReading(manifest, refuse);
      break;
  }
}

type Refuse = (message: string) => never;

function refuseDetection({ anchors, classes, outputs, files }: Manifest, refuse: Refuse): void {
  const [, boxRows, boxColumns] = outputs.boxes.shape;
  const [, scoreRows, scoreColumns] = outputs.scores.shape;
  if (boxRows !== anchors.count) refuse(`outputs.boxes.shape has ${boxRows} rows for ${anchors.count} anchors`);
  if (scoreRows !== anchors.count) refuse(`outputs.scores.shape has ${scoreRows} rows for ${anchors.count} anchors`);
  if (boxColumns !== 4) refuse(`outputs.boxes.shape has ${boxColumns} columns instead of 4`);
  if (scoreColumns !== classes.length)
    refuse(`outputs.scores.shape has ${scoreColumns} columns for ${classes.length} classes`);
  if (!Object.hasOwn(files, anchors.file))
    refuse(`anchors.file names ${anchors.file}, which is not listed under files`);
  if (files[anchors.file]?.size !== anchors.count * 16)
    refuse(`${anchors.file} does not hold ${anchors.count} anchors`);
}

function refuseReading({ input, outputs, alphabet, stride }: ReadingManifest, refuse: Refuse): void {
  refuseSide('width', input.width, refuse);
  const characters = [...alphabet];
  if (new Set(characters).size !== characters.length) refuse('alphabet holds a character twice');
  if (outputs.logits.columns !== characters.length + 1)
    refuse(`outputs.logits has ${outputs.logits.columns} columns for ${characters.length} characters and the blank`);
  if (input.width.multiple % stride !== 0)
    refuse(`input.width is a multiple of ${input.width.multiple}, which ${stride} pixels a step do not divide`);
}

function refuseSide(field: string, { multiple, smallest, largest }: SideLimits, refuse: Refuse): void {
  if (smallest > largest || smallest % multiple !== 0 || largest % multiple !== 0)
    refuse(`input.${field} runs from ${smallest} to ${largest} in steps of ${multiple}`);
}
