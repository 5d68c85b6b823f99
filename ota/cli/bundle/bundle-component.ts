import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { trust as trustSchema } from '../../../cloud-bridge/contract/acts.ts';
import { openTrust } from '../../../cloud-bridge/contract/people.ts';
import { readJson } from '../../../cloud-bridge/contract/read-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { parse } from '../../../device/kernel/schema.ts';
import { loadAnyBundle, manifestName as modelManifest } from '../../../models/contract/bundle.ts';
import type { ArchiveFile } from '../../archive/write-archive.ts';
import { madeFile, manifestFile } from '../../bundle/bundle-files.ts';
import { type BundleManifest, bundleSchemaId } from '../../contract/bundle.ts';
import { trustFiles } from '../../contract/component-files.ts';
import type { ComposedBundle } from './compose-program.ts';

/** What a person says of a bundle that is not the program. */
export interface ComponentFacts {
  readonly release: number;
  /** What it is called; made of its content where a person says nothing. */
  readonly version?: string;
  readonly hardware: readonly string[];
  /** The lowest release of the program that reads it. */
  readonly needsProgram?: number;
}

/** A model that a unit takes in the place of the one of that id that its program brought. Throws `bundle-*` for one that is damaged. */
export async function composeModel(folder: string, facts: ComponentFacts): Promise<ComposedBundle> {
  const bundle = await loadAnyBundle(folder);
  const { id, version, files } = bundle.manifest;
  const carried = await Promise.all(Object.keys(files).map(async (name) => madeFile(name, await bundle.read(name))));
  const manifest = madeFile(modelManifest, await readFile(`${folder}/${modelManifest}`));
  return composed({ kind: 'model', name: id.toLowerCase(), version: facts.version ?? version }, facts, [
    manifest,
    ...carried,
  ]);
}

/**
 * Who may configure and command the units: a signed trust document. With `root`, the public half (PEM) of the root key, its signature is checked;
 * each unit checks it with the root key that it has. Throws `document-refused`, `key-invalid`.
 */
export async function composeTrust(
  { trust, root, name }: { readonly trust: string; readonly root?: string; readonly name: string },
  facts: ComponentFacts,
  clock: Clock,
): Promise<ComposedBundle> {
  const text = await readText(trust, 'document-refused');
  const json = readJson(text);
  const document = parse(trustSchema, 'value' in json ? json.value : undefined, trust, 'document-refused');
  if (document.signature === undefined)
    throw new AtalayaError('document-refused', `${trust} is not signed`, {
      hint: 'Sign it: npx atalaya-fleet trust sign --file FILE --root FILE',
    });
  if (root !== undefined) {
    const key = await publicKey(root);
    openTrust(text, key, { utc: clock.utc(), reliable: true });
  }
  const version = facts.version ?? String(document.version);
  return composed({ kind: 'trust', name, version }, facts, [madeFile(trustFiles.trust, text)]);
}

async function publicKey(path: string) {
  const pem = await readText(path, 'key-invalid');
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new AtalayaError('key-invalid', `${path} is no public key (PEM)`, { cause });
  }
}

/** A bundle of these files and of a manifest that says so. */
export function composed(
  what: Pick<BundleManifest, 'kind' | 'name' | 'version' | 'unit'>,
  { release, hardware, needsProgram }: ComponentFacts,
  files: readonly ArchiveFile[],
): ComposedBundle {
  const manifest: BundleManifest = {
    schema: bundleSchemaId,
    ...what,
    release,
    hardware: [...new Set(hardware)].sort(),
    ...(needsProgram === undefined ? {} : { needsProgram }),
  };
  return { manifest, files: [manifestFile(manifest), ...files] };
}

/** Throws `code` for what cannot be read. */
export async function readText(
  path: string,
  code: 'scene-invalid' | 'document-refused' | 'key-invalid',
): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AtalayaError(code, `${path} cannot be read (${systemCode(cause) ?? 'unknown'})`, {
      hint: 'Name an existing file.',
      cause,
    });
  }
}
