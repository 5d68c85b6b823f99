import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { ZodType } from 'zod';
import { keptFrame } from '../../capture/kept-frame.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { neverRead } from '../../plate/vote/track-plate.ts';
import { bentCalibration } from '../../scene/testing/bent-calibration.ts';
import { EvidenceStore } from '../evidence-store.ts';
import { recordAct } from '../record-act.ts';
import { sealTest } from '../seal-test.ts';
import { createIdentity } from '../sealing/identity.ts';
import { sealPlate } from '../sealing/plate-commitment.ts';
import { contextAt, frameOf, framesAround, infractionAt } from '../testing/fixtures.ts';
import { plateModels, plateRead, plateUnread } from '../testing/plates.ts';
import { clerk, inMemory } from '../testing/stores.ts';
import { actionRecord, earlierActionRecord, testActionRecord, updateActionRecord } from './action-record.ts';
import { plateFile, statementOf } from './plate-file.ts';
import { publishedSchemas } from './published-schema.ts';
import { type EvidenceRecord, evidenceRecord, lensRecord, platelessRecord } from './record.ts';
import { violations } from './testing/json-schema.ts';

const published = (file: string): Readonly<Record<string, unknown>> =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'schema', file), 'utf8'));

type Plain = Record<string, unknown>;

/** A record as it was written before plates were read. */
function withoutPlate({ plate: _, ...record }: EvidenceRecord): Plain {
  const files = record.files.filter(({ role }) => !/^plate/.test(role));
  return { ...structuredClone(record), schema: 'atalaya/evidence/2', files: structuredClone(files) };
}

/** The same before a camera whose lens bends the picture. */
function throughLens(record: EvidenceRecord): Plain {
  const copy = structuredClone(record);
  return { ...copy, schema: 'atalaya/evidence/4', auxiliary: { ...copy.auxiliary, calibration: bentCalibration() } };
}

/** Records that a store has made, as they are on disk, and what it seals of plates. */
async function realRecords(): Promise<readonly [string, Plain][]> {
  const { recipient } = await createIdentity();
  const recipients = { authority: [recipient], operators: [] };
  const store = await EvidenceStore.open('/data', inMemory(new MemoryFiles(), { recipients }));
  const clip = { frames: [168, 170].map((one) => keptFrame(frameOf(one))), thinned: false };
  const { id } = await store.seal(infractionAt(170), framesAround(170), {
    ...contextAt(170),
    clip,
    plate: plateRead('AB123CD', 168),
    plateModels,
  });
  await store.custody.note({ kind: 'list' }, clerk);
  await store.custody.note({ kind: 'read', evidence: [id], opened: false }, clerk);
  await store.custody.hold(id, 'court', clerk);
  await store.custody.release(id, 'court', clerk);
  await store.custody.erase(id, { actor: { kind: 'policy', name: 'five days' }, reason: 'old' });
  await recordAct(
    store.ledger,
    {
      actor: { kind: 'operator', name: 'O. Perez', role: 'operator', key: 'a'.repeat(64) },
      action: { kind: 'command', id: 'command-1', name: 'reboot', outcome: 'failed', reason: 'interrupted' },
      reason: 'it hangs',
    },
    new ManualClock(),
  );
  await recordAct(
    store.ledger,
    {
      actor: { kind: 'unit', name: 'configuration' },
      action: { kind: 'configuration', version: 3, sha256: 'b'.repeat(64), outcome: 'rolled-back', reasons: ['late'] },
      reason: 'the trial failed',
    },
    new ManualClock(),
  );
  const tester = { actor: { kind: 'unit', name: 'self-test' }, reason: 'self-test' } as const;
  await sealTest(store.ledger, recipients, { ...tester, picture: Buffer.from('a picture') }, new ManualClock());
  await store.close();
  const bare = await EvidenceStore.open('/data', inMemory(new MemoryFiles()));
  await bare.seal(infractionAt(170), framesAround(170), contextAt(170));
  await bare.close();
  const records = [plateRead('AB123CD', 168), plateUnread('unclear', 168), neverRead('reader-off')].map(
    (plate): [string, Plain] => {
      const { content } = sealPlate(statementOf(plate, 70, plateModels), randomBytes);
      return ['plate-1.json', JSON.parse(content.toString())];
    },
  );
  for (const one of [store, bare]) {
    for await (const { kind, bytes } of one.ledger.entries()) {
      const record = JSON.parse(bytes.toString());
      const { schema } = record;
      records.push([
        kind === 'evidence' ? 'evidence-3.json' : schema === 'atalaya/action/3' ? 'action-3.json' : 'action-2.json',
        record,
      ]);
      if (kind === 'evidence') {
        records.push(['evidence-2.json', withoutPlate(record)], ['evidence-4.json', throughLens(record)]);
      } else if ('evidence' in record.action || record.action.kind === 'list') {
        records.push(['action-4.json', { ...structuredClone(record), schema: 'atalaya/action/4' }]);
        records.push(['action-1.json', { ...structuredClone(record), schema: 'atalaya/action/1' }]);
      }
    }
  }
  return records;
}

const records = await realRecords();

for (const { file, text } of publishedSchemas()) {
  test(`${file} is what records are read by; make docs writes it anew`, (t) => {
    t.is(readFileSync(join(import.meta.dirname, 'schema', file), 'utf8'), text);
    t.regex(text, /"\$schema": "https:\/\/json-schema.org\/draft\/2020-12\/schema"/);
  });
}

test('real records are as the published schemas say', (t) => {
  t.is(records.length, 27);
  for (const [file, record] of records) t.deepEqual(violations(published(file), record), []);
});

const reads: Readonly<Record<string, ZodType>> = {
  'evidence-4.json': lensRecord,
  'evidence-3.json': evidenceRecord,
  'evidence-2.json': platelessRecord,
  'action-4.json': updateActionRecord,
  'action-3.json': testActionRecord,
  'action-2.json': actionRecord,
  'action-1.json': earlierActionRecord,
  'plate-1.json': plateFile,
};

/** All places in a record: the object or list, and the key there. */
function places(value: unknown): readonly [Plain, string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((key) => [
    [value as Plain, key] as [Plain, string],
    ...places((value as Plain)[key]),
  ]);
}

test('what is taken out of a record, put into it or changed is seen by the published schema as it is by this software', (t) => {
  const schemas = new Map(publishedSchemas().map(({ file }) => [file, published(file)]));
  const change = fc.constantFrom('remove', 'add', -1, 0.5, '', 'x', null, true, [], {});
  fc.assert(
    fc.property(fc.nat(records.length - 1), fc.nat(), change, (which, where, what) => {
      const [file, original] = records[which] as [string, Plain];
      const record = structuredClone(original);
      const all = places(record);
      const [parent, key] = all[where % all.length] as [Plain, string];
      if (what === 'remove' && Array.isArray(parent)) parent.splice(Number(key), 1);
      else if (what === 'remove') delete parent[key];
      else if (what === 'add') parent[`${key}-more`] = 1;
      else parent[key] = what;
      const plain = JSON.parse(JSON.stringify(record));
      return reads[file]?.safeParse(plain).success === (violations(schemas.get(file) as Plain, plain).length === 0);
    }),
    { numRuns: 1500 },
  );
  t.pass();
});
