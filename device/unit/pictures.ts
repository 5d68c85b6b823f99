import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { EvidenceStore, SealedEvidence } from '../evidence/evidence-store.ts';
import { sequenceOf } from '../evidence/record/make-record.ts';
import { openWith, parseIdentities } from '../evidence/sealing/identity.ts';
import { AtalayaError, explain } from '../kernel/errors.ts';
import type { OpenPicture } from '../report/report-pictures.ts';
import type { SealedInfraction } from '../report/run-record.ts';

/** The identities in a file. Throws `key-missing` where it cannot be read, `key-invalid` for what is none. */
export async function readIdentities(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AtalayaError('key-missing', `the identity file ${path} cannot be read`, {
      hint: 'Give the file that `atalaya-audit new-authority` or age-keygen wrote.',
      cause,
    });
  });
  return parseIdentities(text);
}

/** The names of the files that the report shows: pictures of the moment itself, and the plate. */
export function picturesOf({ record }: SealedEvidence): SealedInfraction['pictures'] {
  const named = (role: string) =>
    record.files.find((file) => file.role === role && (!('moment' in file) || file.moment === 'at'))?.name;
  const [context, closeUp, annotated] = [named('context'), named('close-up'), named('annotated')];
  const [plate, plateFile] = [named('plate-crop'), named('plate')];
  return {
    ...(context === undefined ? {} : { context }),
    ...(closeUp === undefined ? {} : { closeUp }),
    ...(annotated === undefined ? {} : { annotated }),
    ...(plate === undefined ? {} : { plate }),
    ...(plateFile === undefined ? {} : { plateFile }),
  };
}

/**
 * How the run's report gets at its pictures: without an identity not at all, since nothing on a unit opens them. With one, which is for
 * trials, that they were looked at is stated first, as of anybody else.
 */
export async function openPictures(
  {
    store,
    unit,
    evidence,
  }: { readonly store: EvidenceStore; readonly unit: string; readonly evidence: readonly string[] },
  identities: readonly string[] | undefined,
): Promise<OpenPicture> {
  if (identities === undefined) return async () => ({ missing: 'it is sealed to the authority', sealed: true });
  if (evidence.length > 0) {
    await store.custody.note(
      { kind: 'read', evidence: [...evidence], opened: true },
      {
        actor: { kind: 'person', name: 'run report', account: userInfo().username },
        reason: 'pictures of the run report',
      },
    );
  }
  return async (id, name) => {
    try {
      const entry = await store.read(sequenceOf(unit, id) ?? 0);
      if (entry?.kind !== 'evidence') return { missing: 'its evidence is not here' };
      const chunks: Uint8Array[] = [];
      for await (const chunk of openWith(identities, store.ciphertext(entry.record, name))) chunks.push(chunk);
      return Buffer.concat(chunks);
    } catch (error) {
      return { missing: explain(error) };
    }
  };
}
