import { realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { resolve, sep } from 'node:path';
import { diffCheckpoints } from '../../evidence/verify/diff-checkpoints.ts';
import type { Verdict } from '../../evidence/verify/finding.ts';
import { type PublicKey, parseKey } from '../../evidence/verify/keys.ts';
import { verdictJson, verdictText } from '../../evidence/verify/verdict-text.ts';
import { verifyPack } from '../../evidence/verify/verify-pack.ts';
import { verifyStore } from '../../evidence/verify/verify-store.ts';
import { writeWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { onStore } from './looking.ts';
import { newPlace, writingOutside } from './output-place.ts';
import { smallText } from './small-text.ts';
import { evidenceAt, folderWith, type StoreFlags } from './store-at.ts';

export interface VerifyFlags {
  readonly key: string;
  readonly checkpoint: readonly string[];
  readonly witness: readonly string[];
  readonly json?: boolean;
}

export interface DiffFlags {
  readonly key: string;
  readonly store?: string;
  readonly proof?: string;
  readonly json?: boolean;
}

type Print = (text: string) => void;

/** Checks a pack or a store and says what was found; false where anything does not hold. */
export async function verify(path: string, flags: VerifyFlags, print: Print, signal: AbortSignal): Promise<boolean> {
  const trust = {
    key: await keyAt(flags.key),
    checkpoints: await Promise.all(flags.checkpoint.map((file) => smallText(file, 'a kept checkpoint'))),
    witnesses: await Promise.all(flags.witness.map((file) => smallText(file, "a witness's verifier key"))),
  };
  await mustComeFromElsewhere(flags.key, path);
  const pack = await folderWith(path, partsOfPacks);
  const store = pack === undefined ? await folderWith(path, partsOfStores) : undefined;
  // A pack that lies in a store must not be what is checked in its place.
  if (pack !== undefined && (await folderWith(path, partsOfStoresAlone)) !== undefined) {
    throw new AtalayaError('usage-invalid', `at ${path} there is an audit pack among the evidence of a unit`, {
      hint: 'No unit lays it there. Take the pack out, and verify pack and evidence one after the other.',
    });
  }
  if (pack === undefined && store === undefined) {
    throw new AtalayaError('usage-invalid', `there is neither an audit pack nor evidence at ${path}`, {
      hint: "Give the folder of a pack, the unit's data folder, or the folder `evidence` in it.",
    });
  }
  const verdict =
    pack === undefined
      ? await verifyStore(store ?? path, { ...trust, signal, workers: availableParallelism() })
      : await verifyPack(pack, trust);
  return told(verdict, flags, print);
}

/** Whoever makes false evidence lays a false key beside it: held against that, all of it would hold. Throws `usage-invalid`. */
async function mustComeFromElsewhere(key: string, path: string): Promise<void> {
  const real = (one: string) => realpath(one).catch(() => resolve(one));
  if (!`${await real(key)}${sep}`.startsWith(`${await real(path)}${sep}`)) return;
  throw new AtalayaError('usage-invalid', `the key ${key} comes from what is to be verified, which proves nothing`, {
    hint: "Get the unit's public key from the authority, or from wherever it was kept when the unit was mounted.",
  });
}

/** Holds two checkpoints against each other. */
export async function diff(older: string, newer: string, flags: DiffFlags, print: Print): Promise<boolean> {
  const { key, store, proof } = flags;
  const verdict = await diffCheckpoints(
    await smallText(older, 'the older checkpoint'),
    await smallText(newer, 'the newer checkpoint'),
    {
      key: await keyAt(key),
      ...(proof === undefined ? {} : { proof: await smallText(proof, 'the proof') }),
      ...(store === undefined ? {} : { storeFolder: await evidenceAt(store) }),
    },
  );
  return told(verdict, flags, print);
}

export interface CheckpointFlags extends StoreFlags {
  readonly out: string;
}

/**
 * Signs the newest state of the log and saves it to a new file, for whoever wants to hold the unit to it later. It shows no evidence,
 * so it states nothing.
 */
export async function saveCheckpoint(flags: CheckpointFlags, print: Print): Promise<void> {
  const evidence = await evidenceAt(flags.store);
  const out = await newPlace(flags.out, evidence);
  await onStore(flags, async (store) => {
    const { note, size } = await store.checkpoint();
    await writingOutside(evidence, () => writeWholeFile(systemFiles, out, Buffer.from(note)));
    print(`${flags.out}\n  ${size} entries of ${store.unit}. Keep it where the unit cannot reach it.`);
  });
}

function told(verdict: Verdict, { json }: { readonly json?: boolean }, print: Print): boolean {
  print((json === true ? verdictJson(verdict) : verdictText(verdict)).trimEnd());
  return verdict.ok;
}

/** One of these makes a folder a pack, or a store, however much else of it was taken away: that is for the check to say. */
const partsOfPacks = ['SHA256SUMS', 'record.json', 'record.sig', 'log/inclusion'];
const partsOfStoresAlone = ['journal', 'log/tile', 'public/unit.vkey', 'blobs', 'index'];
const partsOfStores = ['journal', 'log/checkpoint', 'log/tile', 'public/unit.vkey'];

const keyAt = async (path: string): Promise<PublicKey> => parseKey(await smallText(path, "the unit's public key"));
