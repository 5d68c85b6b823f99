import { z } from 'zod';

/**
 * The manifest of a model bundle: what the model takes, what it gives, where it comes from, and the SHA-256 of every file beside it.
 *
 * A bundle is a folder that holds `manifest.json` and exactly the files that the manifest names.
 */

const text = z.string().min(1);
const count = z.int().positive();
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 lower-case hexadecimal digits');
const fileName = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, 'must be a plain file name inside the bundle');

/** Layout, dtype and colour are free text here, so that a bundle from tomorrow is refused by the name of the field that is new. */
const picture = { name: text, layout: text, dtype: text, colour: text } as const;

const tensorName = z.strictObject({
  /** Name of the tensor in the engine's graph. */
  name: text,
  /** `[1, anchors, values per anchor]`. */
  shape: z.tuple([z.literal(1), count, count]),
});

/**
 * Raw encodings to boxes, after the SSD box coder (Liu et al. 2016, section 2.2; scale factors as in TensorFlow's
 * `FasterRcnnBoxCoder`): `centre = anchorCentre + raw / centreScale * anchorSize`, `size = anchorSize * exp(raw / sizeScale)`.
 */
const boxCoding = z.strictObject({
  kind: z.literal('ssd'),
  order: z.literal('y,x,height,width'),
  centreScale: z.number().positive(),
  sizeScale: z.number().positive(),
});

const anchors = z.strictObject({
  /** Little-endian float32, `count` rows of four: y min, x min, y max, x max, in unit coordinates of the input picture. */
  file: fileName,
  count,
  coding: boxCoding,
});

const classEntry = z.strictObject({
  /** The class's number in the COCO label map (1 to 90). */
  cocoId: z.int().min(1).max(90),
  name: text,
});

/** What every bundle states, whatever its task. */
const common = {
  schema: z.literal('atalaya.model-bundle/1'),
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'must be lower-case letters, digits, dots and dashes'),
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'must be a version such as 1.0.0'),
  precision: z.enum(['float32', 'int8']),
  /** The file that the engine opens first. */
  graph: fileName,
  licence: text,
  /** Plain figures about the model, by name; never used to decide anything. */
  metrics: z.record(z.string(), z.number()),
  files: z.record(fileName, z.strictObject({ size: z.int().nonnegative(), sha256: hash })),
} as const;

const described = {
  description: text,
  /** SHA-256 of the calibration table, where the weights were quantised. */
  calibration: hash.optional(),
} as const;

const fromPackage = z.strictObject({
  package: text,
  version: text,
  /** Subresource integrity of the package's tarball, as the registry states it. */
  integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]{86}==$/, 'must be a sha512 integrity'),
  ...described,
});

const fromFile = z.strictObject({
  /** Path of the weights in the repository, from its `models` folder. */
  file: text,
  sha256: hash,
  ...described,
});

export const detectionManifestSchema = z.strictObject({
  ...common,
  task: z.literal('vehicle-detection'),
  engine: z.enum(['onnx', 'tfjs']),
  input: z.strictObject({ ...picture, width: count, height: count }),
  outputs: z.strictObject({
    /** Raw box encodings, `[1, anchors, 4]`. */
    boxes: tensorName,
    /** Logits, one column per class in the order of `classes`, `[1, anchors, classes]`. */
    scores: tensorName,
  }),
  anchors,
  classes: z.array(classEntry).min(1),
  provenance: fromPackage,
});

/** A side that the caller chooses: any multiple of `multiple` from `smallest` to `largest`, in pixels. */
const side = z.strictObject({ multiple: count, smallest: count, largest: count });

/** Finds text: `[1, height, width, 3]` bytes in, `[1, height, width]` out. */
export const findingManifestSchema = z.strictObject({
  ...common,
  task: z.literal('text-detection'),
  engine: z.literal('onnx'),
  input: z.strictObject({ ...picture, width: side, height: side }),
  outputs: z.strictObject({
    /** For each pixel the probability that it is part of (shrunk) text. */
    probability: z.strictObject({ name: text }),
  }),
  provenance: z.union([fromPackage, fromFile]),
});

/** Reads one line of text: `[batch, height, width, 3]` bytes in, `[batch, width / stride, 1 + characters]` out. */
export const readingManifestSchema = z.strictObject({
  ...common,
  task: z.literal('text-recognition'),
  engine: z.literal('onnx'),
  input: z.strictObject({ ...picture, width: side, height: count }),
  outputs: z.strictObject({
    /** Logits for each time step: column 0 is the blank of CTC (Graves et al. 2006), column 1 + i the i-th character of `alphabet`. */
    logits: z.strictObject({ name: text, columns: count }),
  }),
  alphabet: text,
  /** Input pixels that one time step stands for. */
  stride: count,
  provenance: z.union([fromPackage, fromFile]),
});

export const manifestSchema = z.discriminatedUnion('task', [
  detectionManifestSchema,
  findingManifestSchema,
  readingManifestSchema,
]);

/** The vehicle detector's manifest. */
export type Manifest = z.infer<typeof detectionManifestSchema>;
export type FindingManifest = z.infer<typeof findingManifestSchema>;
export type ReadingManifest = z.infer<typeof readingManifestSchema>;
/** The manifest of a bundle of any task. */
export type AnyManifest = z.infer<typeof manifestSchema>;
export type Task = AnyManifest['task'];
export type ManifestOf<T extends Task> = Extract<AnyManifest, { task: T }>;
export type SideLimits = z.infer<typeof side>;
export type ModelClass = Manifest['classes'][number];
export type BoxCoding = Manifest['anchors']['coding'];
