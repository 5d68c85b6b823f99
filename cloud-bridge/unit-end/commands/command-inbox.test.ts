import test from 'ava';
import fc from 'fast-check';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { type Command, commandNames, command as commandSchema } from '../../contract/acts.ts';
import { encodeMessage } from '../../contract/message.ts';
import type { CommandInbox, CommandOutcome } from './command-inbox.ts';
import { commandOf, people, Surroundings, staff, unit } from './testing/made-inbox.ts';

const topicOf = ({ name, id }: Command) => ({ name, id });
const take = (inbox: CommandInbox, command: Command) => inbox.take(command, topicOf(command));

test('every command is done once, audited, and answered in this order', async (t) => {
  const around = new Surroundings();
  const inbox = await around.open(new MemoryFiles());
  for (const name of commandNames) await take(inbox, await commandOf(name, `command-${name}`));
  await inbox.idle();
  t.deepEqual(
    around.ran.map(({ name }) => name),
    [...commandNames],
  );
  t.deepEqual(around.ran[1]?.args, { width: 320 });
  t.like(around.ran[4], {
    args: { evidence: ['E-1'], hours: 72 },
    context: { person: { name: 'Ben', role: 'supervisor' } },
  });
  t.deepEqual(
    around.order,
    commandNames.flatMap((name) => [`audit command-${name}`, `reply command-${name}`]),
  );
  t.like(around.replied[0], {
    id: 'command-self-test',
    name: 'self-test',
    outcome: 'done',
    at: '2026-03-01T12:00:01.000Z',
  });
  t.like(around.audited[0], {
    outcome: 'done',
    person: { name: 'Ben', role: 'supervisor', key: staff.supervisor.signer.id },
  });
  t.like(inbox.counts, { taken: 6, done: 6, failed: 0, refused: 0, repeated: 0 });
  for (const reply of around.replied) t.notThrows(() => encodeMessage('reply', reply));
  t.is(inbox.unsent, 0);
});

test('an id is done once for ever: the same again, altered, or by another person, now and after a start', async (t) => {
  const files = new MemoryFiles();
  const around = new Surroundings();
  const inbox = await around.open(files);
  const command = await commandOf('reboot', 'reboot-0001');
  await Promise.all([take(inbox, command), take(inbox, command)]);
  await take(inbox, await commandOf('reboot', 'reboot-0001', staff.technician));
  await inbox.idle();
  await take(inbox, command);
  await inbox.close();
  const again = await around.open(files);
  await take(again, command);
  await again.resume();
  await again.idle();
  t.is(around.ran.length, 1);
  t.is(around.replied.length, 1);
  t.is(around.audited.length, 1);
  t.is(inbox.counts.repeated, 3);
  t.is(again.counts.repeated, 1);
});

test('a command that was refused to its signer is not done later either', async (t) => {
  const around = new Surroundings();
  const inbox = await around.open(new MemoryFiles());
  const early = await commandOf('snapshot', 'snapshot-1', staff.technician, {
    issued: '2026-03-01T13:00:00Z',
    expires: '2026-03-02T13:00:00Z',
  });
  await take(inbox, early);
  await around.clock.advance(2 * 3_600_000);
  await take(inbox, early);
  await inbox.idle();
  t.is(around.ran.length, 0);
  t.like(around.replied, { length: 1, 0: { outcome: 'refused' } });
  t.regex(around.replied[0]?.reason ?? '', /^not-yet-issued: it is issued at/);
  t.like(around.audited[0], { outcome: 'refused', person: { name: 'Dan' } });
  t.is(inbox.counts.repeated, 1);
});

test('what nobody known has signed is answered, uses no id, and fills no disk', async (t) => {
  const around = new Surroundings();
  const inbox = await around.open(new MemoryFiles());
  const good = await commandOf('self-test', 'self-test-1');
  const forged = { ...good, arguments: { more: 1 } };
  for (let i = 0; i < 100; i += 1) await take(inbox, forged);
  await inbox.idle();
  t.is(around.audited.length, 20);
  t.is(around.replied.length, 20);
  t.like(around.audited[0], { id: 'self-test-1', outcome: 'refused', person: undefined });
  t.like(inbox.counts, { refused: 100, unaudited: 80 });
  await around.clock.advance(120_000);
  for (let i = 0; i < 10; i += 1) await take(inbox, forged);
  await inbox.idle();
  t.is(around.audited.length, 22);
  await take(inbox, good);
  await inbox.idle();
  t.is(around.ran.length, 1, 'the id was not used up');
});

test('a stolen key fills neither disk nor memory, and takes nothing from other people', async (t) => {
  const around = new Surroundings();
  const inbox = await around.open(new MemoryFiles());
  const last = await commandOf('reboot', 'stolen-249', staff.auditor);
  for (let i = 0; i < 249; i += 1) await take(inbox, await commandOf('reboot', `stolen-${i}`, staff.auditor));
  await take(inbox, last);
  await inbox.idle();
  t.is(around.audited.length, 100);
  t.like(inbox.counts, { refused: 100, flooded: 150, done: 0 });
  t.deepEqual(
    around.faults.map(({ code }) => code),
    ['act-refused'],
  );
  await take(inbox, await commandOf('self-test', 'self-test-1'));
  await inbox.idle();
  t.like(around.replied.at(-1), { id: 'self-test-1', outcome: 'done' });
  await around.clock.advance(40_000);
  for (let i = 0; i < 5; i += 1) await take(inbox, last);
  await take(inbox, await commandOf('reboot', 'stolen-250', staff.auditor));
  await take(inbox, await commandOf('reboot', 'stolen-251', staff.auditor));
  await inbox.idle();
  t.like(inbox.counts, { refused: 102, flooded: 151, repeated: 4 });
  t.is(around.faults.length, 2, 'told once for each time that it is too much');
});

test('without a link replies wait, over a start too, and leave in their order', async (t) => {
  const files = new MemoryFiles();
  const around = new Surroundings();
  around.up = false;
  const inbox = await around.open(files);
  await take(inbox, await commandOf('self-test', 'self-test-1'));
  await take(inbox, await commandOf('reboot', 'reboot-0002'));
  await inbox.idle();
  t.is(around.audited.length, 2, 'the audit log waits for no link');
  t.is(inbox.unsent, 2);
  await inbox.resume();
  await inbox.idle();
  await inbox.close();
  const again = await around.open(files);
  t.is(again.unsent, 2);
  around.up = true;
  await again.resume();
  await again.idle();
  t.deepEqual(
    around.replied.map(({ id }) => id),
    ['self-test-1', 'reboot-0002'],
  );
  t.deepEqual(
    around.audited.map(({ id }) => id),
    ['self-test-1', 'reboot-0002'],
  );
  await again.close();
  const third = await around.open(files);
  t.is(third.unsent, 0);
  t.is(around.ran.length, 2);
});

test('taking a command waits for no reply: the broker may acknowledge it later', async (t) => {
  const around = new Surroundings();
  const { promise, resolve } = Promise.withResolvers<void>();
  around.audit = () => promise;
  const inbox = await around.open(new MemoryFiles());
  await take(inbox, await commandOf('self-test', 'self-test-1'));
  await take(inbox, { ...(await commandOf('self-test', 'self-test-2')), note: 1 } as never);
  t.is(around.replied.length, 0);
  resolve();
  await inbox.idle();
  t.is(around.replied.length, 2);
});

test('a command that is late is aborted and told as failed; the next one has its turn', async (t) => {
  const around = new Surroundings();
  around.execute = ({ name }) =>
    name === 'snapshot' ? new Promise(() => undefined) : Promise.resolve({ outcome: 'done' });
  const inbox = await around.open(new MemoryFiles());
  await take(inbox, await commandOf('snapshot', 'snapshot-1'));
  await take(inbox, await commandOf('self-test', 'self-test-1'));
  await around.clock.advance(29_000);
  t.is(around.replied.length, 0);
  t.false(around.ran[0]?.context.signal.aborted);
  await around.clock.advance(2000);
  await inbox.idle();
  t.true(around.ran[0]?.context.signal.aborted);
  t.regex(around.replied[0]?.reason ?? '', /^deadline-exceeded: the command snapshot took longer than 30000 ms/);
  t.like(around.replied[1], { id: 'self-test-1', outcome: 'done' });
  t.false(around.ran[1]?.context.signal.aborted, 'what was done is not aborted afterwards');
});

test('a result that is too long for this broker is told as failed; a reply that it never takes is counted', async (t) => {
  const around = new Surroundings();
  around.execute = async () => ({ outcome: 'done', result: { image: 'x'.repeat(1000) } });
  around.refuses = ({ result }) => result !== undefined;
  const inbox = await around.open(new MemoryFiles());
  await take(inbox, await commandOf('snapshot', 'snapshot-1'));
  await inbox.idle();
  t.is(around.replied.length, 1);
  t.like(around.replied[0], { id: 'snapshot-1', outcome: 'failed', result: undefined });
  t.regex(around.replied[0]?.reason ?? '', /^result-unfit: it was done/);
  t.is(inbox.counts.unanswered, 0);
  around.refuses = () => true;
  await take(inbox, await commandOf('snapshot', 'snapshot-2'));
  await inbox.idle();
  t.like(inbox.counts, { unanswered: 1, done: 2 });
  t.is(inbox.unsent, 0);
  t.is(around.faults.length, 3);
});

test('an executor that throws, refuses, or says what cannot travel is told as failed', async (t) => {
  const around = new Surroundings();
  const inbox = await around.open(new MemoryFiles());
  const cases: readonly (readonly [() => Promise<CommandOutcome>, RegExp])[] = [
    [() => Promise.reject(new AtalayaError('camera-unavailable', 'no picture')), /^camera-unavailable: no picture$/],
    [
      () => {
        throw new TypeError('odd');
      },
      /^internal: odd$/,
    ],
    [async () => ({ outcome: 'failed', reason: 'camera-lost: no picture' }), /^camera-lost: no picture$/],
    [async () => ({ outcome: 'failed', reason: '' }), /^unknown$/],
    [async () => ({ outcome: 'failed', reason: `a\0${'\ud83d\ude00'.repeat(2000)}` }), /^a /],
    [async () => ({ outcome: 'done', result: { image: 'x'.repeat(121 * 1024) } }), /^result-unfit: .* is the most$/],
    [async () => ({ outcome: 'done', result: { image: '\ud800' } }), /^result-unfit: .*surrogate/],
    [async () => ({ outcome: 'done', result: { load: Number.NaN } }), /^result-unfit: .*number/],
    [
      async () => ({ outcome: 'done', result: JSON.parse(`{"a":${'['.repeat(30)}${']'.repeat(30)}}`) }),
      /^result-unfit: .*nested/,
    ],
  ];
  for (const [i, [execute, reason]] of cases.entries()) {
    around.execute = execute;
    await take(inbox, await commandOf('self-test', `self-test-${i}`));
    await inbox.idle();
    const reply = around.replied.at(-1);
    t.like(reply, { id: `self-test-${i}`, outcome: 'failed' });
    t.regex(reply?.reason ?? '', reason);
    if (reply !== undefined) t.notThrows(() => encodeMessage('reply', reply));
  }
  t.is(inbox.counts.failed, cases.length);
});

test('what follows a reply follows it when the broker has it, or after a minute without a link', async (t) => {
  const around = new Surroundings();
  const followed: string[] = [];
  around.execute = async ({ context: { id } }) => ({
    outcome: 'done',
    after: () => followed.push(`${id} after ${around.replied.length}`),
  });
  const inbox = await around.open(new MemoryFiles());
  await take(inbox, await commandOf('reboot', 'reboot-0001'));
  await inbox.idle();
  t.deepEqual(followed, ['reboot-0001 after 1']);
  around.up = false;
  await take(inbox, await commandOf('reboot', 'reboot-0002'));
  await inbox.idle();
  await around.clock.advance(59_000);
  t.is(followed.length, 1);
  await around.clock.advance(2000);
  t.deepEqual(followed.slice(1), ['reboot-0002 after 1']);
  around.up = true;
  await inbox.resume();
  await inbox.idle();
  t.is(followed.length, 2);
  t.is(around.replied.length, 2);
});

test('no reply leaves before the audit log has its entry', async (t) => {
  const around = new Surroundings();
  let broken = true;
  around.audit = async () => {
    if (broken) throw new AtalayaError('store-reserved', 'the disk is nearly full');
  };
  const inbox = await around.open(new MemoryFiles());
  await take(inbox, await commandOf('self-test', 'self-test-1'));
  await around.clock.advance(30_000);
  t.is(around.replied.length, 0);
  t.true(around.faults.length > 3 && around.faults.length < 12);
  broken = false;
  await around.clock.advance(300_000);
  await inbox.idle();
  t.deepEqual(around.order, ['audit self-test-1', 'reply self-test-1']);
});

test('a disk that takes nothing: the command is not begun, and says why', async (t) => {
  const files = new MemoryFiles();
  const around = new Surroundings();
  const inbox = await around.open(files);
  files.plan = ({ kind }) => (kind === 'write' ? { code: 'ENOSPC' } : undefined);
  await take(inbox, await commandOf('reboot', 'reboot-0001'));
  await inbox.idle();
  t.is(around.ran.length, 0);
  t.like(around.replied[0], { id: 'reboot-0001', outcome: 'failed' });
  t.regex(around.replied[0]?.reason ?? '', /^store-full: /);
});

test('more commands than may wait are refused', async (t) => {
  const around = new Surroundings();
  const { promise, resolve } = Promise.withResolvers<CommandOutcome>();
  around.execute = () => promise;
  const inbox = await around.open(new MemoryFiles());
  for (let i = 0; i < 20; i += 1) await take(inbox, await commandOf('self-test', `self-test-${i}`));
  resolve({ outcome: 'done' });
  await inbox.idle();
  t.like(inbox.counts, { done: 16, refused: 4 });
  t.is(around.replied.filter(({ reason }) => reason?.startsWith('busy: ') === true).length, 4);
});

test('the end of the program interrupts what is being done, and does not begin what waits; both are answered after the next start', async (t) => {
  const files = new MemoryFiles();
  const around = new Surroundings();
  around.execute = () => new Promise(() => undefined);
  const inbox = await around.open(files);
  await take(inbox, await commandOf('self-test', 'self-test-1'));
  await take(inbox, await commandOf('self-test', 'self-test-2'));
  await inbox.close();
  t.is(around.ran.length, 1);
  t.true(around.ran[0]?.context.signal.aborted);
  t.is(around.replied.length, 0);
  const again = await around.open(files);
  await again.resume();
  await again.idle();
  t.deepEqual(
    around.replied.map(({ id, outcome }) => `${id} ${outcome}`),
    ['self-test-1 failed', 'self-test-2 failed'],
  );
  for (const { reason } of around.replied) t.regex(reason ?? '', /^interrupted: /);
  t.is(around.ran.length, 1);
});

test('a power cut at any operation: nothing is done twice, and what was begun is answered', async (t) => {
  const command = await commandOf('reboot', 'reboot-0001');
  const run = async (files: MemoryFiles, around: Surroundings) => {
    const inbox = await around.open(files);
    await take(inbox, command);
    await around.clock.advance(1);
    return inbox;
  };
  const whole = new MemoryFiles();
  await run(whole, new Surroundings());
  const { operations } = whole;
  t.true(operations > 20);
  for (let at = 0; at <= operations; at += 1) {
    for (let seed = 0; seed < 4; seed += 1) {
      const files = new MemoryFiles();
      files.plan = ({ number }) => (number === at ? 'power-cut' : undefined);
      const around = new Surroundings();
      await run(files, around).catch(() => undefined);
      const before = around.ran.length;
      const inbox = await run(files.survivors(seededRandom(seed)), around);
      await inbox.resume();
      await inbox.idle();
      const outcomes = around.replied.map(({ outcome }) => outcome);
      const where = `cut at ${at}, seed ${seed}: ${outcomes.join()}`;
      t.true(around.ran.length <= 1, where);
      t.true(before === 0 || around.ran.length === 1, where);
      t.true(outcomes.length >= 1, where);
      t.true(outcomes.includes('done') ? around.ran.length === 1 : true, where);
      for (const { id } of around.replied)
        t.true(around.order.indexOf(`audit ${id}`) < around.order.indexOf(`reply ${id}`), where);
      t.is(inbox.unsent, 0, where);
    }
  }
});

test('a folder that something else was written to is not taken for a memory', async (t) => {
  const files = new MemoryFiles();
  const around = new Surroundings();
  around.up = false;
  const inbox = await around.open(files);
  await take(inbox, await commandOf('self-test', 'self-test-1'));
  await inbox.idle();
  await inbox.close();
  const path = '/data/commands/replies/self-test-1.json';
  const file = await files.open(path, 'create');
  await file.write([Buffer.from('{"format":"other"}')], 0);
  const error = await t.throwsAsync(around.open(files), { instanceOf: AtalayaError });
  t.is(error?.code, 'store-damaged');
});

test('a command of which anything was changed is never done', async (t) => {
  const good = await commandOf('snapshot', 'snapshot-1');
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      { width: 321 },
      {},
      'reboot',
      'self-test',
      'unit-2',
      'snapshot-2',
      '2036-03-01T12:00:00Z',
      null,
    ),
    fc.string(),
    fc.integer(),
    fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 }),
  );
  const field = fc.constantFrom('unit', 'name', 'id', 'issued', 'expires', 'arguments', 'signature', 'schema', 'more');
  let shaped = 0;
  await fc.assert(
    fc.asyncProperty(field, value, async (name, changed) => {
      const altered = { ...good, [name]: changed } as Command;
      // What the contract refuses does not come so far; the inbox must stand it nevertheless.
      if (commandSchema.safeParse(altered).success) shaped += 1;
      const around = new Surroundings();
      const inbox = await around.open(new MemoryFiles());
      await inbox.take(altered, { name: 'snapshot', id: 'snapshot-1' });
      await inbox.idle();
      return around.ran.length === 0;
    }),
    { numRuns: 300 },
  );
  t.true(shaped > 5);
});

test('nobody commands a unit that trusts nobody', async (t) => {
  const around = new Surroundings();
  around.people = undefined;
  const inbox = await around.open(new MemoryFiles());
  await take(inbox, await commandOf('self-test', 'self-test-1'));
  await inbox.idle();
  t.is(around.replied[0]?.reason, 'no-trust: no trust document is in force here');
  around.people = people;
  await take(inbox, await commandOf('self-test', 'self-test-1'));
  await inbox.idle();
  t.is(around.replied[1]?.outcome, 'done');
  t.is(unit, 'unit-1');
});
