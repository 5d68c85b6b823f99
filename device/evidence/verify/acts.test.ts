import test from 'ava';
import { ed25519, failures, told, verdictOnStore } from './testing/attacks.ts';
import { storeOf } from './testing/tiny-folders.ts';
import { digest, type JsonObject, TinyUnit } from './testing/tiny-unit.ts';

const later = { schema: 'atalaya/action/2' };
const operator = { kind: 'operator', name: 'O. Perez', role: 'supervisor', key: digest(Buffer.from('key')) };
const command = { kind: 'command', id: '01-reboot-1', name: 'reboot', outcome: 'done' };
const configuration = {
  kind: 'configuration',
  version: 3,
  sha256: digest(Buffer.from('document')),
  outcome: 'rolled-back',
  reasons: ['late: no link'],
};

test('acts of both schemas stand in one log: holds and erasures count whichever wrote them', async (t) => {
  const unit = new TinyUnit('u-1', ed25519());
  const [first, second] = [unit.evidence(1), unit.evidence(1)];
  unit.action({ kind: 'hold', evidence: first.id, hold: 'court' });
  unit.action(command, { ...later, actor: operator });
  unit.action(
    { ...command, outcome: 'refused', reason: 'not-allowed: x' },
    { ...later, actor: { kind: 'unit', name: 'commands' } },
  );
  unit.action(configuration, { ...later, actor: operator });
  unit.action({ kind: 'configuration', outcome: 'rejected', reasons: [] }, { ...later, actor: operator });
  unit.action({ kind: 'release', evidence: first.id, hold: 'court' }, { ...later, actor: operator });
  unit.action({ kind: 'hold', evidence: second.id, hold: 'court' }, later);
  unit.erase(first);
  const verdict = await verdictOnStore(unit, storeOf(unit));
  t.true(verdict.ok, told(verdict));
  t.like(verdict.counts, { records: 10, evidence: 2, actions: 8, unknown: 0, erased: 1, held: 1 });
});

test('an erasure by the newer schema is held against a hold by the older one', async (t) => {
  const unit = new TinyUnit('u-1', ed25519());
  const one = unit.evidence(1);
  unit.action({ kind: 'hold', evidence: one.id, hold: 'court' });
  const bodies = one.files.map(({ body }) => digest(body));
  one.erased = true;
  unit.action({ kind: 'erase', evidence: one.id, keys: digest(one.keys), bodies }, later);
  const verdict = await verdictOnStore(unit, storeOf(unit));
  t.regex(told(verdict), /Entry 1 was erased while it was held \(court\)/);
});

const refused: Readonly<Record<string, readonly [JsonObject, JsonObject, RegExp]>> = {
  'a command in the older schema': [command, {}, /record\.action\.kind must be one of/],
  'an operator in the older schema': [{ kind: 'list' }, { actor: operator }, /record\.actor\.kind must be one of/],
  'an operator without a key': [command, { ...later, actor: { ...operator, key: 'x' } }, /record\.actor\.key/],
  'a command with an outcome of its own': [{ ...command, outcome: 'maybe' }, later, /record\.action\.outcome/],
  'a command with more than there is': [{ ...command, plate: 'x' }, later, /record\.action\.plate/],
  'a configuration without reasons': [
    { kind: 'configuration', version: 1, outcome: 'accepted' },
    later,
    /record\.action\.reasons is missing/,
  ],
  'a version that is none': [{ ...configuration, version: -1 }, later, /record\.action\.version/],
  'an act without a reason': [command, { ...later, reason: '' }, /record\.reason/],
};

for (const [name, [action, change, says]] of Object.entries(refused)) {
  test(`refused: ${name}`, async (t) => {
    const unit = new TinyUnit('u-1', ed25519());
    unit.action(action, change);
    const verdict = await verdictOnStore(unit, storeOf(unit));
    t.is(failures(verdict).length, 1);
    t.regex(told(verdict), says);
  });
}

test('a test is an act of the newest schema alone, with a picture or none', async (t) => {
  const newest = { schema: 'atalaya/action/3', actor: operator };
  const picture = {
    mediaType: 'image/jpeg',
    format: 'age-encryption.org/v1',
    recipients: ['age1x'],
    bytes: 3,
    sha256: digest(Buffer.from('age')),
    age: 'YWdl',
  };
  const unit = new TinyUnit('u-1', ed25519());
  unit.action({ kind: 'test', picture }, newest);
  unit.action({ kind: 'test', picture: null }, newest);
  unit.action(command, newest);
  const good = await verdictOnStore(unit, storeOf(unit));
  t.deepEqual([good.ok, good.counts.actions, good.counts.unknown], [true, 3, 0]);
  const former = new TinyUnit('u-1', ed25519());
  former.action({ kind: 'test', picture: null }, later);
  t.false((await verdictOnStore(former, storeOf(former))).ok);
  const odd = new TinyUnit('u-1', ed25519());
  odd.action({ kind: 'test', picture: { ...picture, bytes: -1 } }, newest);
  t.false((await verdictOnStore(odd, storeOf(odd))).ok);
});

test('an update is an act of the newest schema alone', async (t) => {
  const newest = { schema: 'atalaya/action/4', actor: operator };
  const program = { version: '1.2.0', release: 7, tree: digest(Buffer.from('tree')) };
  const update = { kind: 'update', job: 'job-7', outcome: 'rolled-back', program, reasons: ['camera: no frames'] };
  const unit = new TinyUnit('u-1', ed25519());
  const scene = { kind: 'scene', name: 'scene', version: '3', release: 3, tree: program.tree };
  unit.action({ ...update, beside: [scene] }, newest);
  unit.action(command, newest);
  const good = await verdictOnStore(unit, storeOf(unit));
  t.deepEqual([good.ok, good.counts.actions, good.counts.unknown], [true, 2, 0]);
  for (const [action, change] of [
    [update, { ...newest, schema: 'atalaya/action/3' }],
    [{ ...update, outcome: 'guessed' }, newest],
    [{ ...update, program: { version: '1' } }, newest],
    [{ ...update, beside: [{ ...scene, tree: 'none' }] }, newest],
  ] as const) {
    const odd = new TinyUnit('u-1', ed25519());
    odd.action(action, change);
    t.false((await verdictOnStore(odd, storeOf(odd))).ok);
  }
});
