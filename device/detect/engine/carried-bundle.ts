import type { Bundle, ModelBundle } from '../../../models/contract/bundle.ts';
import type { AnyManifest, Manifest } from '../../../models/contract/manifest.ts';
import { AtalayaError } from '../../kernel/errors.ts';

/** A verified bundle of any task as plain data, for a thread that then needs neither the files nor what verifies them. */
export interface CarriedFiles<M extends AnyManifest> {
  readonly folder: string;
  readonly manifest: M;
  readonly sha256: string;
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** The vehicle detector's; its files are all but the anchors. */
export interface CarriedBundle extends CarriedFiles<Manifest> {
  readonly anchors: Float32Array;
}

/**
 * Reads and verifies the files anew, but for those in `without`: each thread gets bytes of its own, and what it uses is what was checked.
 */
export async function carryFiles<M extends AnyManifest>(
  { folder, manifest, sha256, read }: Bundle<M>,
  without: readonly string[] = [],
): Promise<CarriedFiles<M>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of Object.keys(manifest.files)) {
    if (!without.includes(name)) files.set(name, await read(name));
  }
  return { folder, manifest, sha256, files };
}

export async function carryBundle(bundle: ModelBundle): Promise<CarriedBundle> {
  const { anchors } = bundle;
  return { ...(await carryFiles(bundle, [bundle.manifest.anchors.file])), anchors };
}

/** The bundle again, on the other side. `read` throws `bundle-file-missing` for a file that was not carried. */
export function unpackFiles<M extends AnyManifest>({ files, ...bundle }: CarriedFiles<M>): Bundle<M> {
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

export function unpackBundle({ anchors, ...rest }: CarriedBundle): ModelBundle {
  return { ...unpackFiles(rest), anchors };
}
