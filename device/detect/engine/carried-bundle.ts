import type { ModelBundle } from '../../../models/contract/bundle.ts';
import type { Manifest } from '../../../models/contract/manifest.ts';
import { AtalayaError } from '../../kernel/errors.ts';

/** A verified bundle as plain data, for a thread that then needs neither the files nor what verifies them. */
export interface CarriedBundle {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly sha256: string;
  readonly anchors: Float32Array;
  /** Every file of the bundle but the anchors. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Reads and verifies the files anew: each thread gets bytes of its own, and what it uses is what was checked. */
export async function carryBundle(bundle: ModelBundle): Promise<CarriedBundle> {
  const { folder, manifest, sha256, anchors } = bundle;
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of Object.keys(manifest.files)) {
    if (name !== manifest.anchors.file) files.set(name, await bundle.read(name));
  }
  return { folder, manifest, sha256, anchors, files };
}

/** The bundle again, on the other side. `read` throws `bundle-file-missing` for a file that was not carried. */
export function unpackBundle({ files, ...bundle }: CarriedBundle): ModelBundle {
  return {
    ...bundle,
    read: async (name) => {
      const bytes = files.get(name);
      if (bytes === undefined)
        throw new AtalayaError('bundle-file-missing', `${name} is not part of the bundle ${bundle.folder}`);
      return bytes;
    },
  };
}
