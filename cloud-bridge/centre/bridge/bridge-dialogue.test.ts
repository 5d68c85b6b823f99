import test from 'ava';
import { parseNote, parseVkey, signatureHolds } from '../../../device/evidence/log/note.ts';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { signDocument } from '../../../device/kernel/signed/sign-document.ts';
import { type Command, commandSchemaId, configSchemaId, type Desired } from '../../contract/acts.ts';
import { makePersonKey, signerOf } from '../../contract/person-key.ts';
import { alertOf, BridgeTrial, pause, until } from './testing/bridge-trial.ts';
import type { SpeakingUnit } from './testing/speaking-unit.ts';

const person = makePersonKey();

test('a checkpoint is cosigned when the entries that it covers are there, also where it comes first', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  await unit.ledger(1, 5);
  const note = unit.note();
  await unit.ledger(6, 9);
  await until('acknowledged', () => unit.upTo('infraction') === 9);
  await unit.say('checkpoint', {}, { note });
  await until('cosigned', () => unit.cosigned.length === 1);
  const parsed = parseNote(Buffer.from(unit.cosigned[0] ?? ''));
  const key = parseVkey(trial.witnessKey.vkey);
  t.true(
    parsed.ok &&
      parsed.note.signatures.some((line) => line.name === key.name && signatureHolds(key, parsed.note.text, line)),
  );
  t.like(await bridge.views.one('unit-1'), { checkpoint: { size: 5 } });
  await until('waits', async () => {
    await unit.say('checkpoint', {}, { note: unit.note() });
    return unit.cosigned.length > 1;
  });
  t.like(await bridge.views.one('unit-1'), { checkpoint: { size: 9 } });
  // An older one again is nothing to be alarmed at.
  await unit.say('checkpoint', {}, { note });
  await pause(50);
  t.deepEqual(await bridge.alerts.list({}), []);
  await trial.end();
});

test('a checkpoint before its entries waits for them', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  const twin = await trial.stranger('unit-1b', unit.key);
  await unit.ledger(1, 3);
  await until('acknowledged', () => unit.upTo('infraction') === 3);
  // The same unit with an entry more, of which only the checkpoint has come.
  const fourth = unit.entry(4);
  const ahead = await signedAhead(unit);
  await unit.say('checkpoint', {}, { note: ahead });
  await until('it waits', () => bridge.witnessDesk.figures.waiting === 1);
  t.deepEqual(unit.cosigned, []);
  await unit.events('infraction', [{ sequence: 4, data: fourth as unknown as JsonValue }]);
  await until('cosigned', () => unit.cosigned.length === 1);
  t.like(await bridge.views.one('unit-1'), { checkpoint: { size: 4 } });
  await twin.close();
  await trial.end();
});

/** What the checkpoint is when the unit has sealed entry 4 too. */
async function signedAhead(unit: SpeakingUnit): Promise<string> {
  const { GrowingTree } = await import('../witness/leaf-edge.ts');
  const tree = new GrowingTree({ size: 0, nodes: [] });
  for (let sequence = 1; sequence <= 4; sequence += 1) tree.append(unit.entry(sequence));
  return unit.note(tree.root, 4);
}

test('a log that is not what was delivered, or was rewritten, is not cosigned, and an alert says so', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  await unit.ledger(1, 4);
  await until('acknowledged', () => unit.upTo('infraction') === 4);
  await unit.say('checkpoint', {}, { note: unit.note(Buffer.alloc(32, 7)) });
  await until('alert', async () => (await bridge.alerts.list({})).length === 1);
  t.like(await bridge.alerts.list({}), [{ name: 'log-inconsistent', state: 'critical', from: 'centre' }]);
  t.deepEqual(unit.cosigned, []);
  await unit.say('checkpoint', {}, { note: unit.note() });
  await until('cosigned', () => unit.cosigned.length === 1);
  t.deepEqual(await bridge.alerts.list({}), [], 'it was a mistake that is over');
  await unit.say('checkpoint', {}, { note: unit.note(Buffer.alloc(32, 9)) });
  await until('alert', async () => (await bridge.alerts.list({})).length === 1);
  t.is(unit.cosigned.length, 1);
  await trial.end();
});

test('a checkpoint of another key, another log, or no note at all is refused and counted', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  const other = await trial.unit('unit-2');
  await unit.ledger(1, 2);
  await other.ledger(1, 2);
  await until('acknowledged', () => unit.upTo('infraction') === 2 && other.upTo('infraction') === 2);
  let refused = 0;
  for (const note of [
    other.note(),
    unit.note().replace('unit-1\n', 'unit-2\n'),
    unit.note().slice(0, -30),
    'nothing',
  ]) {
    await unit.say('checkpoint', {}, { note });
    refused += 1;
    await until('counted', () => bridge.refusals.of('unit-1')['checkpoint-refused'] === refused);
  }
  t.deepEqual(unit.cosigned, []);
  t.deepEqual(await bridge.alerts.list({}), []);
  await trial.end();
});

/** A record with two sealed files, and what they hold. */
function packageOf(unit: SpeakingUnit, sequence: number, bytes = 300_000) {
  const keys = Buffer.alloc(500, 'k');
  const body = Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 7 + sequence) % 256));
  const id = `${unit.id}-${String(sequence).padStart(9, '0')}`;
  const entry = unit.entry(sequence, {
    id,
    files: [{ name: 'at.jpg', bytes: bytes + 200, header: 200, body: sha256(body), sha256: sha256('whole') }],
    sealing: { keys: { bytes: keys.byteLength, sha256: sha256(keys) } },
  });
  return { id, entry: entry as unknown as JsonValue, keys, body };
}

test('sealed files are fetched block by block, and a bridge that starts anew goes on where it ended', async (t) => {
  const trial = new BridgeTrial();
  const first = await trial.bridge({ evidence: 'all' });
  const unit = await trial.unit('unit-1');
  const { id, entry, keys, body } = packageOf(unit, 1);
  let given = 0;
  unit.onGet = (get) => {
    const content = get.file === 'keys' ? keys : body;
    // The second answer comes from nobody: the bridge is killed in the middle.
    if (given < 2) void unit.blocks(get.file === 'keys' ? get : { ...get, blocks: get.blocks.slice(0, 2) }, content);
    given += 1;
  };
  await unit.events('infraction', [{ sequence: 1, data: entry }]);
  await until(
    'two blocks are here',
    async () => (await trial.blobs.blocks({ unit: 'unit-1', evidence: id, file: 'at.jpg' })).size === 2,
  );
  await first.stop();
  unit.gets.length = 0;
  given = 0;
  unit.onGet = (get) => void unit.blocks(get, get.file === 'keys' ? keys : body);
  const { bridge } = await trial.bridge({ evidence: 'all' });
  await until('finished', () => trial.blobs.finished({ unit: 'unit-1', evidence: id, file: 'at.jpg' }));
  t.deepEqual(
    unit.gets.flatMap(({ blocks }) => blocks),
    [2, 3, 4],
    'what was here is not asked for again',
  );
  await until('all finished', async () => {
    const view = await bridge.evidence.view('unit-1', id);
    return view?.files.every(({ state, here, bytes }) => state === 'finished' && here === bytes) === true;
  });
  t.is((await bridge.evidence.views('unit-1')).length, 1);
  await trial.end();
});

test('a file that is not what the record says is not kept, and an alert says so', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge({ evidence: 'all' });
  const unit = await trial.unit('unit-1');
  const { id, entry, keys, body } = packageOf(unit, 1);
  const altered = Buffer.from(body);
  altered[70_000]! ^= 1;
  unit.onGet = (get) => void unit.blocks(get, get.file === 'keys' ? keys : altered);
  await unit.events('infraction', [{ sequence: 1, data: entry }]);
  await until('alert', async () => (await bridge.alerts.list({})).length === 1);
  t.like(await bridge.alerts.list({}), [{ name: 'evidence-mismatch', state: 'critical' }]);
  t.false(await trial.blobs.finished({ unit: 'unit-1', evidence: id, file: 'at.jpg' }));
  const view = await bridge.evidence.view('unit-1', id);
  t.is(view?.files.find(({ file }) => file === 'at.jpg')?.state, 'failed');
  await trial.end();
});

test('blocks that nobody asked for are counted and have no effect', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  const other = await trial.unit('unit-2');
  const { id, entry } = packageOf(unit, 1);
  await unit.events('infraction', [{ sequence: 1, data: entry }]);
  await until('acknowledged', () => unit.upTo('infraction') === 1);
  await unit.say('evidenceBlock', { id, file: 'at.jpg', block: '0' }, Buffer.alloc(65_536));
  await other.say('evidenceBlock', { id, file: 'at.jpg', block: '0' }, Buffer.alloc(65_536));
  await until('counted', () => bridge.refusals.of('unit-2')['not-asked'] === 1);
  t.is(bridge.refusals.of('unit-1')['not-asked'], 1);
  t.is((await trial.blobs.blocks({ unit: 'unit-1', evidence: id, file: 'at.jpg' })).size, 0);
  await trial.end();
});

const instant = (ms: number) => new Date(Date.now() + ms).toISOString();

async function command(
  unit: string,
  name: Command['name'],
  args: Record<string, JsonValue>,
  id: string,
): Promise<Command> {
  const body = {
    schema: commandSchemaId,
    unit,
    name,
    id,
    issued: instant(0),
    expires: instant(60_000),
    arguments: args,
  };
  return (await signDocument(body, signerOf(person.privatePem))) as unknown as Command;
}

test('a command goes to its unit, when there is a broker; its first reply stands', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  trial.broker.stop();
  const given = await command('unit-1', 'self-test', {}, 'command-0001');
  t.deepEqual(await bridge.commands.give(given, 'Eva'), { kind: 'given' });
  t.is((await bridge.commands.find('unit-1', 'command-0001'))?.relayed, undefined);
  trial.broker.start();
  await until('relayed', () => unit.commands.length === 1);
  t.deepEqual(unit.commands[0], given, 'as it was signed');
  t.like(await bridge.commands.give(await command('unit-1', 'self-test', {}, 'command-0001'), 'Eva'), {
    kind: 'refused',
  });
  const reply = { id: 'command-0001', name: 'self-test', at: instant(0), outcome: 'done' } as const;
  await unit.say('reply', { id: reply.id }, reply);
  await unit.say('reply', { id: reply.id }, { ...reply, outcome: 'failed', reason: 'late: again' });
  await unit.say('reply', { id: 'command-0002' }, { ...reply, id: 'command-0002' });
  await until('counted', () => bridge.refusals.of('unit-1')['not-asked'] === 1);
  t.like(await bridge.commands.find('unit-1', 'command-0001'), { reply: { outcome: 'done' } });
  await trial.end();
});

test('what an evidence pull released is fetched', async (t) => {
  const trial = new BridgeTrial();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  const { id, entry, keys, body } = packageOf(unit, 1);
  unit.onGet = (get) => void unit.blocks(get, get.file === 'keys' ? keys : body);
  await unit.events('infraction', [{ sequence: 1, data: entry }]);
  await until('acknowledged', () => unit.upTo('infraction') === 1);
  await bridge.commands.give(
    await command('unit-1', 'evidence-pull', { evidence: [id], files: ['at.jpg'] }, 'command-0001'),
    'Eva',
  );
  await unit.say(
    'reply',
    { id: 'command-0001' },
    { id: 'command-0001', name: 'evidence-pull', at: instant(0), outcome: 'done' },
  );
  await until('finished', () => trial.blobs.finished({ unit: 'unit-1', evidence: id, file: 'at.jpg' }));
  t.like(await bridge.evidence.view('unit-1', id), {
    files: [
      { file: 'keys', state: 'not-asked' },
      { file: 'at.jpg', state: 'finished' },
    ],
  });
  await trial.end();
});

async function desired(unit: string, version: number): Promise<Desired> {
  const body = {
    schema: configSchemaId,
    unit,
    version,
    issued: instant(0),
    probationMinutes: 10,
    settings: { flags: { strobe: true } },
  };
  return (await signDocument(body, signerOf(person.privatePem))) as unknown as Desired;
}

test('a configuration is retained for its unit as it was signed, and only a newer one takes its place', async (t) => {
  const trial = new BridgeTrial();
  const first = await trial.bridge();
  trial.broker.stop();
  const one = await desired('unit-1', 1);
  t.deepEqual(await first.bridge.configs.release('unit-1', one, 'Eva'), { kind: 'released' });
  await first.stop();
  trial.broker.start();
  const { bridge } = await trial.bridge();
  const unit = await trial.unit('unit-1');
  await until('it came', () => unit.desired.length === 1);
  t.deepEqual(unit.desired[0], one);
  t.deepEqual(await bridge.configs.release('unit-1', one, 'Eva'), { kind: 'released' });
  t.like(await bridge.configs.release('unit-1', await desired('unit-1', 1), 'Eva'), { kind: 'refused' });
  t.like(await bridge.configs.release('unit-2', one, 'Eva'), { kind: 'refused' });
  const two = await desired('unit-1', 7);
  t.deepEqual(await bridge.configs.release('unit-1', two, 'Eva'), { kind: 'released' });
  t.like(await bridge.configs.release('unit-1', await desired('unit-1', 6), 'Eva'), { kind: 'refused' });
  await until('it came', () => unit.desired.length >= 3);
  t.deepEqual(unit.desired.at(-1), two);
  t.deepEqual(
    (await bridge.configs.history('unit-1', 10)).map(({ document }) => document.version),
    [7, 1],
  );
  await trial.end();
});

test('what other programs are to know waits for the queues, and is told at least once', async (t) => {
  const trial = new BridgeTrial();
  const sent: string[] = [];
  let away = true;
  const queues = {
    send: async (queue: string, id: string) => {
      if (away) throw new (await import('../../../device/kernel/errors.ts')).AtalayaError('queue-unavailable', 'gone');
      sent.push(`${queue} ${id}`);
    },
    close: async () => undefined,
  };
  await trial.bridge({ queues });
  const unit = await trial.unit('unit-1');
  await unit.ledger(1, 1);
  await unit.events('alert', [{ sequence: 1, data: alertOf('alert-0001', 'critical') }]);
  const report = { at: '2026-03-01T12:00:00Z', outcome: 'confirmed', version: 3 } as const;
  const inForce = { version: 3, sha256: sha256('3') };
  await unit.say('reported', {}, { ...report, reasons: [], inForce });
  await unit.say('reported', {}, { ...report, reasons: [], inForce });
  await until('acknowledged', () => unit.upTo('alert') === 1 && unit.upTo('infraction') === 1);
  t.deepEqual(sent, []);
  away = false;
  await until('sent', () => new Set(sent).size === 4);
  t.deepEqual([...new Set(sent.map((one) => one.split(' ')[0]))].sort(), [
    'config.updates',
    'infraction.detection',
    'notification.email',
    'report.generation',
  ]);
  await trial.end();
});
