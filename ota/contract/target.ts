import { z } from 'zod';
import { digest, unitId } from '../../cloud-bridge/contract/names.ts';
import { componentName, hardwareId, release, targetName, versionName } from './names.ts';

/** What the metadata of both repositories says of a target besides its length and its SHA-256, under `custom.atalaya`. */

/** `program`: all that a unit runs. The others lie beside it and take the place of what it brought, or of what enrolment gave. */
export const componentKinds = ['program', 'model', 'scene', 'trust'] as const;

/** A scene is of one camera; everything else is of whoever has the hardware. */
export const ofOneUnit = ({ kind, unit }: { readonly kind: string; readonly unit?: string | undefined }): boolean =>
  (kind === 'scene') === (unit !== undefined);
export const ofOneUnitWords = { path: ['unit'], message: 'is named for a scene, always, and for nothing else' };

/** A folder as an archive: `ota/archive` states its one form. */
export const treeDigest = z.strictObject({
  /** SHA-256 of the archive before compression: the identity of the tree, by whichever way it came. */
  sha256: digest,
  /** Bytes of the archive before compression. */
  length: z
    .int()
    .min(1024)
    .max(4 * 2 ** 30),
});
export type TreeDigest = z.infer<typeof treeDigest>;

export const targetDescription = z
  .strictObject({
    kind: z.enum(componentKinds),
    name: componentName,
    version: versionName,
    release,
    hardware: z.array(hardwareId).min(1).max(16),
    /** Of a scene only: the unit whose camera it is drawn for. Signed offline, so that no key of the director gives a unit another's. */
    unit: unitId.optional(),
    /** Of what the target makes, be it whole or a patch. */
    tree: treeDigest,
    /** Of a patch only: the tree that it is applied to. */
    patchFrom: digest.optional(),
  })
  .refine(ofOneUnit, ofOneUnitWords);
export type TargetDescription = z.infer<typeof targetDescription>;

/** A target that both repositories vouch for. */
export interface Target {
  readonly target: string;
  /** Bytes of the file. */
  readonly length: number;
  readonly sha256: string;
  readonly description: TargetDescription;
}

export const target = z.strictObject({
  target: targetName,
  length: z
    .int()
    .min(1)
    .max(2 ** 31),
  sha256: digest,
  description: targetDescription,
});
