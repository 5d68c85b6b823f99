import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type AuditedStore, OpenedStore } from '../../evidence/desk/audited-store.ts';
import { DeskClient } from '../../evidence/desk/desk-client.ts';
import { deskPath } from '../../evidence/desk/serve-desk.ts';
import { EvidenceStore } from '../../evidence/evidence-store.ts';
import { FileKeystore } from '../../evidence/keystore/file-keystore.ts';
import type { Keystore } from '../../evidence/keystore/keystore.ts';
import { TpmKeystore } from '../../evidence/keystore/tpm-keystore.ts';
import type { StoreOptions } from '../../evidence/store-options.ts';
import { systemClock } from '../../kernel/clock.ts';
import { AtalayaError, type ErrorCode, isAtalayaError } from '../../kernel/errors.ts';
import { needOwner } from '../../kernel/folder-owner.ts';
import { defaultKeyFile, evidenceFolder } from '../../unit/evidence.ts';

/** Where the evidence is, and what signs there: looking is stated in the log, so looking signs. */
export interface StoreFlags {
  /** The unit's data folder, or the evidence folder in it. */
  readonly store: string;
  readonly signingKey?: string;
  readonly tpmHandle?: string;
  readonly tpm?: string;
}

/** The evidence folder at a path that a person gives. Throws `usage-invalid`. */
export async function evidenceAt(path: string): Promise<string> {
  const found = await folderWith(path, ['journal']);
  if (found !== undefined) return found;
  throw new AtalayaError('usage-invalid', `there is no evidence at ${path}`, {
    hint: "Give the unit's data folder, or the folder `evidence` in it, which holds `journal`.",
  });
}

/** The folder at a path, or the evidence folder in it, that holds something of one of these names. */
export async function folderWith(path: string, names: readonly string[]): Promise<string | undefined> {
  const given = resolve(path);
  for (const folder of [given, evidenceFolder(given)]) {
    for (const name of names) if (await isThere(join(folder, name))) return folder;
  }
  return undefined;
}

/**
 * Opens the evidence at a path: through the unit that runs on it, or else the store itself. Throws `usage-invalid`, the keystore's
 * faults and those of the store.
 */
export async function openStore(flags: StoreFlags): Promise<AuditedStore> {
  const folder = await evidenceAt(flags.store);
  const running = await DeskClient.connect(deskPath(folder)).catch((error: unknown) => {
    if (isAtalayaError(error, 'desk-closed')) return undefined;
    throw error;
  });
  if (running !== undefined) return running;
  const { store, unit, keystore } = await openOwnStore(flags);
  return new OpenedStore(unit, keystore.algorithm, store, () => keystore.close());
}

/** Opens the store itself, on which no unit may be running. Whoever asked closes the store and then the keystore. Throws as `openStore`. */
export async function openOwnStore(
  flags: StoreFlags,
  more: Pick<StoreOptions, 'rebuildLog' | 'witnesses'> = {},
): Promise<{ readonly store: EvidenceStore; readonly unit: string; readonly keystore: Keystore }> {
  const folder = await evidenceAt(flags.store);
  // What another account writes here, the unit may not read or go on with.
  await needOwner({ folder, what: 'the evidence', program: 'atalaya-audit' });
  const unit = await unitOf(folder);
  const keystore = await openKeystore(folder, flags);
  try {
    const store = await EvidenceStore.open(folder, { unit, boot: randomUUID(), clock: systemClock, keystore, ...more });
    return { store, unit, keystore };
  } catch (error) {
    await keystore.close();
    throw advised(error, {
      'store-locked':
        'A unit that starts or stops answers in a moment: try again. Otherwise another program has the store open.',
      'key-mismatch': 'Name the key that signed here with --signing-key or --tpm-handle; nothing was changed.',
    });
  }
}

/** The unit whose evidence it is: the name of its verifier key. */
async function unitOf(folder: string): Promise<string> {
  const path = join(folder, 'public', 'unit.vkey');
  const text = await readFile(path, 'utf8').catch(() => '');
  const unit = /^atalaya\/([a-z0-9-]+)\+/.exec(text)?.[1];
  if (unit !== undefined) return unit;
  throw new AtalayaError('usage-invalid', `${path} does not say whose evidence this is`, {
    hint: 'Start the unit once on this folder: it writes the file anew.',
  });
}

async function openKeystore(folder: string, { signingKey, tpmHandle, tpm }: StoreFlags): Promise<Keystore> {
  if (tpmHandle !== undefined) {
    if (!/^0x81[0-9a-f]{6}$/i.test(tpmHandle)) {
      throw new AtalayaError('usage-invalid', `--tpm-handle ${tpmHandle} is no persistent handle`, {
        hint: 'Give it as the configuration of the unit does (evidence.signing.tpmHandle), such as 0x81010001.',
      });
    }
    return TpmKeystore.open({ handle: Number(tpmHandle), ...(tpm === undefined ? {} : { tcti: tpm }) });
  }
  try {
    return await FileKeystore.open(resolve(signingKey ?? defaultKeyFile(dirname(folder))));
  } catch (error) {
    // A key that is made here would be another unit's.
    throw advised(error, {
      'key-missing':
        "Every look is signed by the unit: start it and ask again, or name its key with --signing-key or --tpm-handle. A new key won't do.",
    });
  }
}

/** The fault with what an auditor can do about it, where its code is one of these. */
function advised(error: unknown, hints: Partial<Record<ErrorCode, string>>): unknown {
  const hint = isAtalayaError(error) ? hints[error.code] : undefined;
  return isAtalayaError(error) && hint !== undefined
    ? new AtalayaError(error.code, error.message, { hint, cause: error })
    : error;
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
