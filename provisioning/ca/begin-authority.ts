import { dirname, join, resolve } from 'node:path';
import { makeFolders, storeFault, writePart, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { listIfThere } from '../../device/kernel/files.ts';
import { discardFolder } from '../identity/folder-files.ts';
import { type AuthorityTools, authorityPlaces, fingerprintOf, keyFileOf, lifeOf, randomSerial } from './authority.ts';
import { makeAuthorityKey, writeAuthorityKey } from './authority-key.ts';
import { makeIntermediateCertificate, makeRootCertificate } from './certificates.ts';
import { Register } from './register.ts';

export interface AuthorityPlan {
  readonly folder: string;
  /** Another folder for the root's key, on another stick; made where it is missing. */
  readonly rootFolder?: string;
  readonly name: string;
  /** In clear where absent. */
  readonly passphrase: string | undefined;
  readonly rootDays: number;
  readonly days: number;
}

export interface BegunAuthority {
  /** Hexadecimal SHA-256 of the root's SubjectPublicKeyInfo. */
  readonly root: string;
  readonly rootKey: string;
}

/**
 * Makes an authority: root, the authority below it that signs, register. The folder is there whole or not at all. Throws `key-exists`
 * where something stands there already, `store-full`, `store-failed`.
 */
export async function beginAuthority(plan: AuthorityPlan, tools: AuthorityTools): Promise<BegunAuthority> {
  const { files, clock } = tools;
  const folder = resolve(plan.folder);
  const rootFolder = plan.rootFolder === undefined ? undefined : resolve(plan.rootFolder);
  if (
    (await listIfThere(files, folder).catch((error) => Promise.reject(storeFault(error, `cannot read ${folder}`))))
      .length > 0
  ) {
    throw taken(folder);
  }
  const now = clock.utc();
  const [rootKey, key] = [makeAuthorityKey(), makeAuthorityKey()];
  const [rootSerial, serial] = [randomSerial(tools), randomSerial(tools)];
  const root = await makeRootCertificate(rootKey, {
    name: plan.name,
    serial: rootSerial,
    life: lifeOf(now, plan.rootDays),
  });
  const life = lifeOf(now, Math.min(plan.days, plan.rootDays));
  const pem = await makeIntermediateCertificate({ pem: root, key: rootKey }, key, {
    name: `${plan.name}, authority 1`,
    serial,
    life,
  });
  const part = `${folder}.${serial.slice(0, 8)}.part`;
  const rootText = Buffer.from(writeAuthorityKey(rootKey, plan.passphrase));
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
    } else await writeRootKey(rootFolder, rootText, tools);
    await files.syncFolder(part);
    await files.rename(part, folder).catch((error: unknown) => {
      const code = systemCode(error);
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') throw taken(folder);
      if (code !== 'EBUSY' && code !== 'EXDEV') throw error;
      throw new AtalayaError('usage-invalid', `${folder} is the top of a file system`, {
        hint: `Name a folder in it: --out ${join(folder, 'authority')}`,
      });
    });
    await files.syncFolder(dirname(folder));
  } catch (error) {
    await discardFolder(files, part);
    throw storeFault(error, `cannot make the authority in ${folder}`);
  }
  return {
    root: fingerprintOf(root),
    rootKey: join(rootFolder ?? join(folder, authorityPlaces.rootFolder), authorityPlaces.rootKey),
  };
}

async function writeRootKey(folder: string, text: Uint8Array, { files }: AuthorityTools): Promise<void> {
  await makeFolders(files, folder);
  if ((await files.list(folder)).includes(authorityPlaces.rootKey)) {
    throw new AtalayaError('key-exists', `${folder} holds the key of a root already`, {
      hint: 'Name another folder with --root-out; a key is never overwritten.',
    });
  }
  const path = join(folder, authorityPlaces.rootKey);
  await writePart(files, `${path}.part`, text);
  await files.rename(`${path}.part`, path);
  await files.syncFolder(folder);
}

function taken(folder: string): AtalayaError {
  return new AtalayaError('key-exists', `${folder} is not empty; an authority is never overwritten`, {
    hint: 'Use what is there with --ca, or name another folder with --out.',
  });
}
