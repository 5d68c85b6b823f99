import { execFile } from 'node:child_process';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EvidenceStore } from '../evidence/evidence-store.ts';
import { FileKeystore } from '../evidence/keystore/file-keystore.ts';
import { parseKey } from '../evidence/verify/keys.ts';
import { verifyStore } from '../evidence/verify/verify-store.ts';
import { evidenceFigure, median, openBenchStore, sealSmall, timed } from './evidence-parts.ts';
import type { BenchContext, Figure } from './figure.ts';

/** Entries that a store of a year at a busy junction has, and a fresh one. */
const few = 1000;
const batch = 2000;
const samples = 300;
/** Records that the verifier is timed on. */
const verified = 20_000;

/** A store that grows from a thousand to a million entries: what a seal costs at either size, and what opening and verifying cost. */
export async function benchMillion({ scratch, root, records, say }: BenchContext): Promise<readonly Figure[]> {
  const keyFile = join(scratch, 'key.pem');
  const keystore = await FileKeystore.create(keyFile);
  const folder = join(scratch, 'store');
  const store = await openBenchStore(folder, keystore);
  await grow(store, few - samples);
  // Compiled code, one at a time as it is measured.
  for (let i = 0; i < samples; i += 1) await sealSmall(store);
  const small = median(await timed(samples, () => sealSmall(store)));
  await grow(store, verified);
  const rate = await verifyRate(store, folder);
  say(`# evidence: making a store of ${records} entries`);
  await grow(store, records);
  const large = median(await timed(samples, () => sealSmall(store)));
  await store.close();
  const child = join(root, 'device/bench/evidence-open.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [child, folder, keyFile]);
  const { milliseconds, megabytes } = JSON.parse(stdout) as {
    readonly milliseconds: number;
    readonly megabytes: number;
  };
  return [
    evidenceFigure(`small record sealed at ${few} entries`, small, 'ms'),
    evidenceFigure(
      `small record sealed at ${records} entries`,
      large,
      'ms',
      `${(large / small).toFixed(2)} times that at ${few}; the bar is 1.2`,
    ),
    evidenceFigure(`opening the store at ${records} entries`, milliseconds, 'ms', 'the bar is 3000'),
    evidenceFigure(`memory of the process that opened it`, megabytes, 'MB', 'the bar is 250'),
    ...rate,
  ];
}

async function grow(store: EvidenceStore, to: number): Promise<void> {
  while (store.ledger.last < to) {
    const more = Math.min(batch, to - store.ledger.last);
    await Promise.all(Array.from({ length: more }, () => sealSmall(store)));
  }
}

async function verifyRate(store: EvidenceStore, folder: string): Promise<readonly Figure[]> {
  await store.ledger.checkpoint();
  const key = parseKey(store.ledger.publicKey.pem);
  const cpu = process.cpuUsage();
  const verdict = await verifyStore(folder, { key });
  const { user, system } = process.cpuUsage(cpu);
  const rate = verdict.counts.records / ((user + system) / 1e6);
  const bare = bareVerifyRate();
  return [
    evidenceFigure('bare Ed25519 verifications of 600 bytes', bare, '1/s of one core'),
    evidenceFigure(
      `records verified${verdict.ok ? '' : ' (AND FOUND WANTING)'}`,
      rate,
      '1/s of processor time',
      `${(rate / bare).toFixed(2)} of what Ed25519 alone allows; the bar is 10000 or that`,
    ),
  ];
}

function bareVerifyRate(): number {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const message = Buffer.alloc(600, 1);
  const signature = sign(null, message, privateKey);
  const begin = performance.now();
  const count = 5000;
  for (let i = 0; i < count; i += 1) verify(null, message, publicKey, signature);
  return (count / (performance.now() - begin)) * 1000;
}
