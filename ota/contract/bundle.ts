import { z } from 'zod';
import { digest, unitId } from '../../cloud-bridge/contract/names.ts';
import { componentName, hardwareId, release, versionName } from './names.ts';
import { componentKinds, ofOneUnit, ofOneUnitWords } from './target.ts';

/**
 * The file `bundle.json` at the root of every bundle's tree: what the tree says of itself. It has to agree with the metadata.
 *
 * Beside it a program has `start`, the program that the launcher runs; `sbom.cdx.json` (CycloneDX 1.6) and `LICENSES.txt`.
 */
export const bundleSchemaId = 'atalaya/bundle/1';

export const bundleManifest = z
  .strictObject({
    schema: z.literal(bundleSchemaId),
    kind: z.enum(componentKinds),
    name: componentName,
    version: versionName,
    release,
    hardware: z.array(hardwareId).min(1).max(16),
    /** Of a scene: the unit whose camera it is drawn for. */
    unit: unitId.optional(),
    /** Of programs: the processor that Node and its libraries are for. */
    cpu: z.enum(['x64', 'arm64']).optional(),
    /** Of programs: libraries that the machine has to give, by the names that the loader looks for. */
    libraries: z.array(z.string().max(200)).max(200).optional(),
    /**
     * Of programs: which forms of a unit's data it writes and reads. A program is installed only where what it writes is read by the one
     * that it may have to give way to.
     */
    data: z.strictObject({ writes: z.int().min(1), reads: z.array(z.int().min(1)).min(1).max(50) }).optional(),
    /** Of models, scenes and trust: the lowest release of the program that reads it. */
    needsProgram: release.optional(),
  })
  .refine(ofOneUnit, ofOneUnitWords);
export type BundleManifest = z.infer<typeof bundleManifest>;

export const manifestName = 'bundle.json';
export const startName = 'start';

/** What is recorded of a slot when it is whole: `slot.json`, written last and durably. */
export const slotRecordSchemaId = 'atalaya/slot/1';

export const slotPart = z.strictObject({
  kind: z.enum(componentKinds),
  name: componentName,
  version: versionName,
  release,
  /** Name and SHA-256 of the target that it came from. */
  target: z.string().max(128),
  sha256: digest,
  /** Of the tree. */
  tree: digest,
});
export type SlotPart = z.infer<typeof slotPart>;

export const slotRecord = z.strictObject({
  schema: z.literal(slotRecordSchemaId),
  job: z.string().max(63),
  at: z.string().max(40),
  /** The program first. */
  parts: z.array(slotPart).min(1).max(50),
});
export type SlotRecord = z.infer<typeof slotRecord>;
