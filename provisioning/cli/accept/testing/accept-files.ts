import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import sharp from 'sharp';
import { makePersonKey, signerOf } from '../../../../cloud-bridge/contract/person-key.ts';
import { signDocument } from '../../../../device/kernel/signed/sign-document.ts';
import { readAcceptance } from '../../../accept/acceptance.ts';

/** Paths in a folder of the test's own. */
export async function folderOf(t: ExecutionContext): Promise<(name: string) => string> {
  const folder = await mkdtemp(join(tmpdir(), 'accept-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}

/** A picture, and a drawing. */
const grey = sharp({ create: { width: 320, height: 180, channels: 3, background: '#607080' } });
export const jpeg = await grey.clone().jpeg().toBuffer();
export const png = await grey.clone().png().toBuffer();

const root = makePersonKey();

/** A trust document as a person verifies by it. */
export async function trustFiles(
  at: (name: string) => string,
  publicKey: string,
  role = 'technician',
): Promise<readonly string[]> {
  const body = {
    ...{ schema: 'atalaya/trust/1', version: 1, issued: '2026-01-01T00:00:00Z' },
    people: [{ name: 'Ana', role, publicKey }],
  };
  await writeFile(at('trust.json'), JSON.stringify(await signDocument(body, signerOf(root.privatePem))));
  await writeFile(at('root.public.pem'), root.publicPem);
  return ['--trust', at('trust.json'), '--root-key', at('root.public.pem')];
}

/** The document in a folder, read as any is. */
export const stored = async (folder: string) => readAcceptance(await readFile(join(folder, 'acceptance.json')), 'it');

/** What the page of a unit says of it. */
export const identity = {
  ...{ serial: '10000000abcd', serialFrom: 'device-tree', fingerprint: 'ab'.repeat(32), keptIn: 'tpm' },
  enrolled: {
    ...{
      unit: 'north-1',
      version: 1,
      authority: 'cd'.repeat(32),
      certificate: '0a1b',
      expires: '2027-03-01T00:00:00Z',
    },
  },
};
