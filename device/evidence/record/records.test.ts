import { generateKeyPairSync, sign } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { canonicalJson, type JsonValue } from '../../kernel/canonical-json.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { sha256 } from '../../kernel/hash.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { bentCalibration } from '../../scene/testing/bent-calibration.ts';
import { contextAt, infractionAt } from '../testing/fixtures.ts';
import { recordFault } from '../verify/record-shape.ts';
import { leafOf, payloadOf, signedRecordOf } from './envelope.ts';
import { type EvidenceParts, evidenceId, makeActionRecord, makeEvidenceRecord, sequenceOf } from './make-record.ts';
import { readEntry } from './read-entry.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const clock = new ManualClock();
const head = { unit: 'unit-1', boot: 'boot-1', sequence: 3, signer: 'a'.repeat(64) };

function partsOf(more: Partial<EvidenceParts> = {}): EvidenceParts {
  const { provenance, raw, calibration } = contextAt(170);
  return { infraction: infractionAt(170), provenance, raw, calibration, files: [], sealing: null, ...more };
}

function fault(work: () => unknown): AtalayaError {
  try {
    work();
  } catch (error) {
    if (error instanceof AtalayaError) return error;
    throw error;
  }
  throw new Error('no fault where one is due');
}

test('an entry is canonical JSON, and gives record and signature back as they were signed', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.constantFrom({ signature: 'x' }, { a: '","signature":"', z: ',"signature":"' })),
      fc.uint8Array({ maxLength: 80 }),
      (value, random) => {
        const bytes = Buffer.from(canonicalJson(value as JsonValue));
        const signature = Buffer.from(random);
        const payload = payloadOf({ bytes, signature });
        const read = signedRecordOf(payload);
        const whole = canonicalJson({ record: value as JsonValue, signature: signature.toString('base64') });
        return payload.toString() === whole && read?.bytes.equals(bytes) === true && read.signature.equals(signature);
      },
    ),
  );
  t.pass();
});

test('what is no entry is refused, whatever it is', (t) => {
  for (const text of [
    '',
    '{}',
    '{"record":1}',
    '{"record":,"signature":"',
    '[1]',
    '{"record":{},"signature":1}',
    'x'.repeat(300),
  ]) {
    t.is(fault(() => readEntry(Buffer.from(text), 7)).code, 'store-damaged', text);
  }
  const broken = payloadOf({ bytes: Buffer.from('{"schema":"atalaya/evidence/3"'), signature: Buffer.alloc(64) });
  t.regex(fault(() => readEntry(broken, 7)).message, /entry 7 of the journal is not JSON/);
  const empty = payloadOf({ bytes: Buffer.from('{"schema":"atalaya/evidence/3"}'), signature: Buffer.alloc(64) });
  t.regex(fault(() => readEntry(empty, 7)).message, /infraction/);
  const signed = (record: string) => payloadOf({ bytes: Buffer.from(record), signature: Buffer.alloc(64) });
  for (const record of ['null', '3', 'true'])
    t.regex(fault(() => readEntry(signed(record), 7)).message, /is no record/);
  for (const record of ['[]', '{}', '{"schema":3}']) {
    t.like(readEntry(signed(record), 7), { kind: 'unknown', schema: 'none' });
  }
});

test('a leaf is what sha256sum -c takes', (t) => {
  const bytes = Buffer.from('{"a":1}');
  const signature = sign(null, bytes, privateKey);
  const leaf = leafOf({ bytes, signature }).toString();
  t.is(leaf, `${sha256(bytes)}  record.json\n${sha256(signature)}  record.sig\n`);
});

test('a record comes back from its canonical JSON as it was made', (t) => {
  const record = makeEvidenceRecord(head, partsOf(), clock);
  const bytes = Buffer.from(canonicalJson(record));
  const entry = readEntry(payloadOf({ bytes, signature: Buffer.alloc(64) }), 3);
  t.deepEqual(entry.kind === 'evidence' ? entry.record : undefined, record);
  t.is(record.id, 'unit-1-000000003');
  t.is(record.sealed.utc, '2023-11-14T22:13:20.000Z');
});

test('a record from before plates were read is still evidence, and cannot tell of a plate', (t) => {
  const record = { ...makeEvidenceRecord(head, partsOf(), clock), schema: 'atalaya/evidence/2' as const };
  const entry = (value: JsonValue) =>
    readEntry(payloadOf({ bytes: Buffer.from(canonicalJson(value)), signature: Buffer.alloc(64) }), 3);
  t.like(entry(record), { kind: 'evidence', record });
  const plate = { outcome: 'read', commitment: 'a'.repeat(64), file: 'plate.json' };
  t.is(fault(() => entry({ ...record, plate })).code, 'store-damaged');
  t.like(entry({ ...record, plate, schema: 'atalaya/evidence/3' }), { kind: 'evidence' });
  t.like(entry({ ...record, schema: 'atalaya/evidence/1' }), { kind: 'unknown' });
});

test('a lens makes a record of the newer schema, so that older software passes over it; without one the older stays', (t) => {
  const calibration = bentCalibration();
  const record = makeEvidenceRecord(head, partsOf({ calibration }), clock);
  t.is(record.schema, 'atalaya/evidence/4');
  const entry = (value: JsonValue) =>
    readEntry(payloadOf({ bytes: Buffer.from(canonicalJson(value)), signature: Buffer.alloc(64) }), 3);
  t.like(entry(record), { kind: 'evidence', record });
  t.is(recordFault(JSON.parse(canonicalJson(record))), undefined, 'the verifier knows its form');
  t.is(fault(() => entry({ ...record, schema: 'atalaya/evidence/3' })).code, 'store-damaged');
  const straight = makeEvidenceRecord(head, partsOf(), clock);
  t.is(straight.schema, 'atalaya/evidence/3');
  t.is(fault(() => entry({ ...straight, schema: 'atalaya/evidence/4' })).code, 'store-damaged');
});

const refused: readonly [string, Partial<EvidenceParts>, RegExp][] = [
  ['a number that is none', { infraction: { ...infractionAt(170), track: Number.NaN } }, /infraction\.track/],
  [
    'an infinite measurement',
    { infraction: { ...infractionAt(170), box: { x: Infinity, y: 0, width: 1, height: 1 } } },
    /infraction\.box\.x/,
  ],
  ['a negative frame', { infraction: { ...infractionAt(170), frame: -1 } }, /infraction\.frame/],
  [
    'a measurement of another rule',
    { infraction: { ...infractionAt(170), measured: { rule: 'stopping' } as never } },
    /infraction\.measured/,
  ],
  [
    'a site without a name',
    { provenance: { ...contextAt(1).provenance, site: { id: 'x', name: '' } } },
    /provenance\.site\.name/,
  ],
  [
    'a model whose hash is none',
    { provenance: { ...contextAt(1).provenance, model: { id: 'x', sha256: 'abc' } } },
    /provenance\.model\.sha256/,
  ],
  ['a file without a hash', { files: [{ name: 'x.jpg', role: 'context' } as never] }, /files\[0\]/],
  [
    'a sealing for nobody',
    {
      sealing: {
        format: 'age-encryption.org/v1',
        recipients: [],
        operators: [],
        keys: { bytes: 0, sha256: 'a'.repeat(64) },
      },
    },
    /sealing\.recipients/,
  ],
  [
    'a plate that is unread for no known reason',
    { plate: { outcome: 'unread', reason: 'AB123CD' as never, commitment: 'a'.repeat(64), file: 'plate.json' } },
    /plate\.reason/,
  ],
  [
    'a commitment that is none',
    { plate: { outcome: 'read', commitment: 'AB123CD', file: 'plate.json' } },
    /plate\.commitment/,
  ],
];

for (const [name, parts, where] of refused) {
  test(`no record is made of ${name}`, (t) => {
    const { code, message } = fault(() => makeEvidenceRecord(head, partsOf(parts), clock));
    t.is(code, 'internal');
    t.regex(message, where);
    t.regex(message, /the record of frame (170|-1) is not valid/);
    t.false(message.includes('AB123CD'));
  });
}

test('no record is made of an act without a reason or a name', (t) => {
  const person = { kind: 'person', name: 'C. Clerk', account: 'clerk' } as const;
  const list = { kind: 'list' } as const;
  t.like(makeActionRecord(head, { actor: person, action: list, reason: 'x' }, clock), {
    schema: 'atalaya/action/2',
    sequence: 3,
  });
  for (const [parts, where] of [
    [{ actor: person, action: list, reason: '' }, /reason/],
    [{ actor: { ...person, name: '' }, action: list, reason: 'x' }, /actor\.name/],
    [{ actor: { kind: 'policy', name: '' }, action: list, reason: 'x' }, /actor\.name/],
    [{ actor: person, action: { kind: 'hold', evidence: 'x', hold: '' }, reason: 'x' }, /action\.hold/],
    [{ actor: person, action: { kind: 'read', evidence: [], opened: false }, reason: 'x' }, /action\.evidence/],
  ] as const) {
    const { code, message } = fault(() => makeActionRecord(head, { ...parts, action: parts.action as never }, clock));
    t.is(code, 'usage-invalid');
    t.regex(message, where);
  }
});

test('an id gives its number back to its own unit alone', (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom('a', 'unit-1', 'unit-000000001', 'a.b'),
      fc.oneof(fc.integer({ min: 1, max: 2 ** 31 }), fc.constantFrom(999_999_999, 1_000_000_000)),
      (unit, sequence) =>
        sequenceOf(unit, evidenceId(unit, sequence)) === sequence &&
        sequenceOf(`${unit}x`, evidenceId(unit, sequence)) === undefined,
    ),
  );
  for (const id of [
    '',
    'unit-1',
    'unit-1-1',
    'unit-1-0000000001',
    'unit-1-00000000a',
    'xunit-1-000000001',
    'unit-1-000000001 ',
  ]) {
    t.is(sequenceOf('unit-1', id), undefined, id);
  }
});

test('an act that older software wrote is read as it was, and no newer kind under its name', (t) => {
  const signature = Buffer.alloc(64);
  const reading = (record: object) =>
    readEntry(payloadOf({ bytes: Buffer.from(JSON.stringify(record)), signature }), 3);
  const person = { kind: 'person', name: 'C. Clerk', account: 'clerk' } as const;
  const made = makeActionRecord(head, { actor: person, action: { kind: 'list' }, reason: 'x' }, clock);
  t.like(reading(made), { kind: 'action', record: { schema: 'atalaya/action/2' } });
  t.like(reading({ ...made, schema: 'atalaya/action/1' }), { kind: 'action', record: { schema: 'atalaya/action/1' } });
  t.like(reading({ ...made, schema: 'atalaya/action/5' }), { kind: 'unknown', schema: 'atalaya/action/5' });
  const tested = makeActionRecord(head, { actor: person, action: { kind: 'test', picture: null }, reason: 'x' }, clock);
  t.like(reading(tested), { kind: 'action', record: { schema: 'atalaya/action/3' } });
  t.is(fault(() => reading({ ...tested, schema: 'atalaya/action/2' })).code, 'store-damaged');
  const program = { version: '1.2.0', release: 7 };
  const beside = [{ kind: 'scene', name: 'scene', version: '3', release: 3, tree: 'a'.repeat(64) }];
  const update = { kind: 'update' as const, job: 'job-1', outcome: 'confirmed' as const, program, beside, reasons: [] };
  const updated = makeActionRecord(head, { actor: person, action: update, reason: 'x' }, clock);
  t.like(reading(updated), { kind: 'action', record: { schema: 'atalaya/action/4', action: update } });
  t.is(fault(() => reading({ ...updated, schema: 'atalaya/action/3' })).code, 'store-damaged');
  const action = { kind: 'command', id: 'c-1', name: 'reboot', outcome: 'done' } as const;
  t.like(reading({ ...made, action }), { kind: 'action', record: { action } });
  t.is(fault(() => reading({ ...made, action, schema: 'atalaya/action/1' })).code, 'store-damaged');
  t.is(
    fault(() => reading({ ...made, actor: { kind: 'unit', name: 'x' }, schema: 'atalaya/action/1' })).code,
    'store-damaged',
  );
});
