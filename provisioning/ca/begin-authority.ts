import { dirname, join, relative, resolve } from 'node:path';
import { makeFolders, storeFault, writePart, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { listIfThere } from '../../device/kernel/files.ts';
import type { UtcMilliseconds } from '../../device/kernel/units.ts';
import { discardFolder } from '../identity/folder-files.ts';
import { type AuthorityTools, authorityPlaces, fingerprintOf, keyFileOf, lifeOf, randomSerial } from './authority.ts';
import { makeAuthorityKey, writeAuthorityKey } from './authority-key.ts';
import { makeIntermediateCertificate, makeRootCertificate } from './certificates.ts';
import { Register } from './register.ts';

export interface AuthorityPlan {
  readonly folder: string;
  /** Another folder for the root's key, on another stick; made where it is missing. `root/` in `folder` is the default said aloud. */
  readonly rootFolder?: string;
  readonly name: string;
  /** In clear where absent. */
  readonly passphrase: string | undefined;
  readonly rootDays: number;
  /** Not more than those of the root. */
  readonly days: number;
}

export interface BegunAuthority {
  /** Hexadecimal SHA-256 of the root's SubjectPublicKeyInfo. */
  readonly root: string;
  readonly rootKey: string;
  readonly rootUntil: UtcMilliseconds;
  /** End of the authority that signs. */
  readonly until: UtcMilliseconds;
}

/**
 * What forbids an authority as planned, before anything is made. Throws `usage-invalid` for lives and places that do not go together,
 * `key-exists` where something stands there already, `store-failed`.
 */
export async function checkPlan(plan: AuthorityPlan, { files }: Pick<AuthorityTools, 'files'>): Promise<void> {
  if (plan.days > plan.rootDays) {
    throw new AtalayaError(
      'usage-invalid',
      `the authority that signs would live ${plan.days} days, and its root ${plan.rootDays}: nothing outlives its root`,
      { hint: `Give --days ${plan.rootDays} at most, or a longer --root-days.` },
    );
  }
  const { folder, rootFolder } = placesOf(plan);
  const within = rootFolder === undefined ? '..' : relative(folder, rootFolder);
  if (within === '' || !/^\.\.(\/|$)/.test(within)) {
    const what = within === '' ? 'is --out too' : `lies inside of --out ${folder}`;
    throw new AtalayaError('usage-invalid', `--root-out ${rootFolder} ${what}`, {
      hint: `Leave --root-out out, and the root's key goes to ${join(folder, authorityPlaces.rootFolder)}; or name a folder outside, on another stick.`,
    });
  }
  if ((await namesIn(folder, files)).length > 0) throw taken(folder);
  if (rootFolder !== undefined) await checkNoRootKey(rootFolder, files);
}

async function checkNoRootKey(folder: string, files: AuthorityTools['files']): Promise<void> {
  if (!(await namesIn(folder, files)).includes(authorityPlaces.rootKey)) return;
  throw new AtalayaError('key-exists', `${folder} holds the key of a root already`, {
    hint: 'Name another folder with --root-out; a key is never overwritten. One that a power cut left behind, of no authority that there is, may be removed.',
  });
}

/** Where authority and root's key go; no folder for the root where it is the one in the authority's. */
function placesOf(plan: AuthorityPlan): { readonly folder: string; readonly rootFolder: string | undefined } {
  const folder = resolve(plan.folder);
  const rootFolder = plan.rootFolder === undefined ? undefined : resolve(plan.rootFolder);
  return { folder, rootFolder: rootFolder === join(folder, authorityPlaces.rootFolder) ? undefined : rootFolder };
}

const namesIn = (folder: string, files: AuthorityTools['files']): Promise<readonly string[]> =>
  listIfThere(files, folder).catch((error) => Promise.reject(storeFault(error, `cannot read ${folder}`)));

/**
 * Makes an authority: root, the authority below it that signs, register. The folder is there whole or not at all, and so is the root's key in
 * a folder of its own, but for a power cut between the two. Throws as `checkPlan` does, and `store-full`, `store-failed`.
 */
export async function beginAuthority(plan: AuthorityPlan, tools: AuthorityTools): Promise<BegunAuthority> {
  const { files, clock } = tools;
  await checkPlan(plan, tools);
  const { folder, rootFolder } = placesOf(plan);
  const now = clock.utc();
  const [rootKey, key] = [makeAuthorityKey(), makeAuthorityKey()];
  const [rootSerial, serial] = [randomSerial(tools), randomSerial(tools)];
  const rootLife = lifeOf(now, plan.rootDays);
  const root = await makeRootCertificate(rootKey, {
    name: plan.name,
    serial: rootSerial,
    life: rootLife,
  });
  const life = lifeOf(now, plan.days);
  const pem = await makeIntermediateCertificate({ pem: root, key: rootKey }, key, {
    name: `${plan.name}, authority 1`,
    serial,
    life,
  });
  const part = `${folder}.${serial.slice(0, 8)}.part`;
  const rootText = Buffer.from(writeAuthorityKey(rootKey, plan.passphrase));
  let written: string | undefined;
  try {
    await makeFolders(files, part);
    for (const name of [authorityPlaces.keys, authorityPlaces.issued]) await makeFolders(files, join(part, name));
    await writeWholeFile(
      files,
      join(part, keyFileOf(key.fingerprint)),
      Buffer.from(writeAuthorityKey(key, plan.passphrase)),
    );
    await writeWholeFile(files, join(part, authorityPlaces.root), Buffer.from(root));
    await writeWholeFile(files, join(part, authorityPlaces.authorities), Buffer.from(root + pem));
    const register = await Register.open(files, join(part, authorityPlaces.register));
    await register.append(
      { kind: 'begun', name: plan.name, root, at: now },
      { kind: 'authority', fingerprint: key.fingerprint, serial, pem, ...life, at: now },
    );
    await register.close();
    if (rootFolder === undefined) {
      await makeFolders(files, join(part, authorityPlaces.rootFolder));
      await writeWholeFile(files, join(part, authorityPlaces.rootFolder, authorityPlaces.rootKey), rootText);
    } else written = await writeRootKey(rootFolder, rootText, tools);
    await files.syncFolder(part);
    await files.rename(part, folder).catch((error: unknown) => {
      const code = systemCode(error);
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') throw taken(folder);
      if (code !== 'EBUSY' && code !== 'EXDEV') throw error;
      throw new AtalayaError('usage-invalid', `${folder} is the top of a file system`, {
        hint: `Name a folder in it: --out ${join(folder, 'authority')}`,
      });
    });
    // From here on the authority stands, and its root's key with it.
    written = undefined;
    await files.syncFolder(dirname(folder));
  } catch (error) {
    await discardFolder(files, part);
    if (written !== undefined) await files.remove(written).catch(() => undefined);
    throw storeFault(error, `cannot make the authority in ${folder}`);
  }
  return {
    root: fingerprintOf(root),
    rootKey: join(rootFolder ?? join(folder, authorityPlaces.rootFolder), authorityPlaces.rootKey),
    rootUntil: rootLife.until,
    until: life.until,
  };
}

async function writeRootKey(folder: string, text: Uint8Array, { files }: AuthorityTools): Promise<string> {
  await makeFolders(files, folder);
  await checkNoRootKey(folder, files);
  const path = join(folder, authorityPlaces.rootKey);
  try {
    await writePart(files, `${path}.part`, text);
    await files.rename(`${path}.part`, path);
    await files.syncFolder(folder);
    return path;
  } catch (error) {
    for (const one of [`${path}.part`, path]) await files.remove(one).catch(() => undefined);
    throw error;
  }
}

function taken(folder: string): AtalayaError {
  return new AtalayaError('key-exists', `${folder} is not empty; an authority is never overwritten`, {
    hint: 'Use what is there with --ca, or name another folder with --out.',
  });
}
