import { createPublicKey, verify } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { ExecutionContext, TestFn } from 'ava';
import { isAtalayaError } from '../../../kernel/errors.ts';
import { sha256 } from '../../../kernel/hash.ts';
import { leafOf } from '../../record/envelope.ts';
import { openWith } from '../../sealing/identity.ts';
import { isConsistent, leafHash, rootByInclusion } from '../../verify/merkle.ts';
import type { Act, AuditedStore } from '../audited-store.ts';
import { type AuditBench, openAuditBench } from './audit-bench.ts';

/** A way to the store of a bench. */
export interface Way {
  readonly store: AuditedStore;
  /** Leaves nothing behind but the bench. */
  dismantle(): Promise<void>;
}

interface Trial extends Way {
  readonly bench: AuditBench;
}

const by = { actor: { kind: 'person', name: 'A. Auditor', account: 'auditor' }, reason: 'a trial' } as const;

/** What every `AuditedStore` keeps, run on the store itself and through the desk alike, while evidence is sealed all the time. */
export function auditedStoreContract(test: TestFn, way: string, lead: (bench: AuditBench) => Promise<Way>): void {
  const trial = (says: string, check: (trial: Trial, t: ExecutionContext) => Promise<void>) => {
    test(`${way}: ${says}`, async (t) => {
      const bench = await openAuditBench();
      const { store, dismantle } = await lead(bench);
      for (let i = 0; i < 3; i += 1) await bench.seal();
      let over = false;
      const sealing = (async () => {
        for (; !over; await wait(15)) await bench.seal();
      })();
      sealing.catch(() => undefined);
      try {
        await check({ bench, store, dismantle }, t);
        over = true;
        await t.notThrowsAsync(sealing, 'sealing went on');
      } finally {
        over = true;
        await sealing.catch(() => undefined);
        await store.close();
        await dismantle();
        await bench.dismantle();
      }
    });
  };

  trial('says whose evidence it is', async ({ store, bench }, t) => {
    t.is(store.unit, 'unit-1');
    t.deepEqual(store.publicKey, bench.opened.publicKey);
    t.is(store.publicKey.algorithm, 'ed25519');
  });

  trial('lists in order, from where one asks', async ({ store, bench }, t) => {
    for (const from of [-5, 0, 1]) {
      const numbers = (await all(store.lines(from))).map(({ position }) => position.sequence);
      t.true(numbers.length >= 3);
      t.deepEqual(
        numbers,
        numbers.map((_, i) => i + 1),
      );
    }
    const { id, sequence } = await bench.seal();
    const [first] = await all(store.lines(sequence));
    t.true(first?.kind === 'evidence' && first.id === id && first.position.sequence === sequence);
    t.deepEqual(await all(store.lines(1_000_000)), []);
    for await (const mine of store.lines(2)) {
      for await (const theirs of bench.opened.lines(2)) {
        t.deepEqual(mine, theirs);
        break;
      }
      break;
    }
  });

  trial('answers while a list is read, and after one that was left', async ({ store }, t) => {
    let seen = 0;
    for await (const line of store.lines(1)) {
      const entry = await store.entry(line.position.sequence);
      t.is(entry?.kind, line.kind);
      seen += 1;
      if (seen === 3) break;
    }
    t.is(seen, 3);
    t.is((await store.entry(1))?.kind, 'evidence');
  });

  trial('gives an entry as it was signed, and nothing where there is none', async ({ store, bench }, t) => {
    const { sequence, recordSha256, record } = await bench.seal();
    const entry = await store.entry(sequence);
    t.true(entry !== undefined && entry.kind === 'evidence');
    if (entry?.kind !== 'evidence') return;
    t.is(sha256(entry.bytes), recordSha256);
    t.deepEqual(entry.record, record);
    t.true(verify(null, entry.bytes, createPublicKey(store.publicKey.pem), entry.signature));
    for (const none of [0, -1, 1.5, Number.NaN, 1_000_000]) t.is(await store.entry(none), undefined);
  });

  trial('gives age files that the authority opens', async ({ store, bench }, t) => {
    const { record } = await bench.seal();
    t.true(record.files.length > 2);
    for (const file of record.files) {
      const content = Buffer.concat(await all(store.ciphertext(record, file.name)));
      t.is(sha256(content), file.sha256);
      t.is(content.byteLength, file.bytes);
    }
    const clear = await all(openWith([bench.parties.authority], store.ciphertext(record, record.files[0]?.name ?? '')));
    t.is(Buffer.concat(clear).subarray(0, 2).toString('hex'), 'ffd8');
    t.is(await codeOf(async () => all(store.ciphertext(record, 'none'))), 'usage-invalid');
  });

  trial('tells at the end of an age file that it is damaged', async ({ store, bench }, t) => {
    const { record } = await bench.seal();
    const [file] = record.files;
    t.true(file !== undefined);
    if (file === undefined) return;
    await bench.damage(file.body);
    let bytes = 0;
    const reading = async () => {
      for await (const piece of store.ciphertext(record, file.name)) bytes += piece.byteLength;
    };
    t.is(await codeOf(reading), 'store-damaged');
    t.is(bytes, file.bytes);
  });

  trial('states what is looked at, by whom and why', async ({ store, bench }, t) => {
    const { id } = await bench.seal();
    const acts: Act[] = [
      { kind: 'list' },
      { kind: 'read', evidence: [id], opened: false },
      { kind: 'export', evidence: [id], opened: true },
    ];
    for (const act of acts) {
      const entry = await store.entry(await store.act(act, by));
      t.true(entry?.kind === 'action');
      if (entry?.kind !== 'action') return;
      t.like(entry.record, { ...by, action: act });
    }
    t.is(await codeOf(() => store.act({ kind: 'list' }, { ...by, reason: '' })), 'usage-invalid');
    const unknown: Act = { kind: 'read', evidence: ['unit-1-999999999'], opened: false };
    t.is(await codeOf(() => store.act(unknown, by)), 'evidence-unknown');
  });

  trial('holds, releases and erases, and each has had its effect', async ({ store, bench }, t) => {
    const { id, sequence, record } = await bench.seal();
    await store.act({ kind: 'hold', evidence: id, hold: 'case 7' }, by);
    const held = (await all(store.lines(sequence)))[0];
    t.true(held?.kind === 'evidence' && held.holds.join() === 'case 7');
    t.is(await codeOf(() => store.act({ kind: 'erase', evidence: id }, by)), 'evidence-held');
    await store.act({ kind: 'release', evidence: id, hold: 'case 7' }, by);
    const erasure = await store.act({ kind: 'erase', evidence: id }, by);
    const gone = (await all(store.lines(sequence)))[0];
    t.true(gone?.kind === 'evidence' && gone.erased === erasure);
    t.is(await codeOf(() => store.act({ kind: 'erase', evidence: id }, by)), 'evidence-erased');
    t.is(await codeOf(async () => all(store.ciphertext(record, record.files[0]?.name ?? ''))), 'store-damaged');
    t.is((await store.entry(sequence))?.kind, 'evidence');
  });

  trial('many acts at the same time have numbers of their own', async ({ store }, t) => {
    const numbers = await Promise.all(Array.from({ length: 20 }, () => store.act({ kind: 'list' }, by)));
    t.is(new Set(numbers).size, 20);
  });

  trial('proves that an entry is in the log, and that the log only grew', async ({ store, bench }, t) => {
    const older = await store.checkpoint();
    const { sequence } = await bench.seal();
    const newer = await store.checkpoint();
    t.true(newer.size >= sequence && newer.size > older.size);
    const proof = await store.inclusion(sequence);
    const entry = await store.entry(sequence);
    t.true(entry !== undefined);
    if (entry === undefined) return;
    t.deepEqual(proof.leafHash, leafHash(leafOf(entry)));
    t.deepEqual(proof.checkpoint, newer);
    t.deepEqual(rootByInclusion(proof.leafHash, sequence - 1, newer.size, proof.hashes), newer.root);
    t.true(isConsistent(older, newer, await store.consistency(older.size)));
    for (const none of [0, -1, 1_000_000]) t.is(await codeOf(() => store.inclusion(none)), 'usage-invalid');
    t.is(await codeOf(() => store.consistency(1_000_000)), 'usage-invalid');
  });

  trial('keeps the cosignature of a known witness', async ({ store, bench }, t) => {
    const { text } = await store.checkpoint();
    const cosigned = await store.cosign(bench.witness.cosign(text, 1_700_000_000n));
    t.true(cosigned.note.includes('witness.example/one'));
    t.is(cosigned.text, text);
    t.is(await codeOf(() => store.cosign('nonsense')), 'cosignature-refused');
  });
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** The code of the fault of some work. */
export async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isAtalayaError(error)) return error.code;
    throw error;
  }
  return 'none';
}
