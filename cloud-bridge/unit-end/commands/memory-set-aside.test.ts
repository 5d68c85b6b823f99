import { join } from 'node:path';
import test from 'ava';
import { readWholeFile, writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { listIfThere } from '../../../device/kernel/files.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { MemoryFiles } from '../../../device/kernel/testing/memory-files.ts';
import { utcMilliseconds } from '../../../device/kernel/units.ts';
import type { Command } from '../../contract/acts.ts';
import { issuedAt } from '../../contract/testing/made-people.ts';
import { CommandMemory } from './command-memory.ts';
import { forgottenBefore, setMemoryAside } from './memory-set-aside.ts';
import { commandOf, Surroundings, staff } from './testing/made-inbox.ts';

const folder = '/data/commands';
const ids = join(folder, 'ids');

const issued = (afterMs: number): Partial<Command> => ({
  issued: new Date(issuedAt + afterMs).toISOString(),
  expires: new Date(issuedAt + afterMs + 6 * 24 * 3_600_000).toISOString(),
});

/** Overwrites the journal of ids with what this unit never wrote. */
async function damage(files: MemoryFiles): Promise<string> {
  const name = (await listIfThere(files, ids)).find((one) => !one.startsWith('.')) ?? '';
  const path = join(ids, name);
  const content = (await readWholeFile(files, path)) ?? Buffer.alloc(0);
  const changed = content.toString('latin1').replace('reboot-0001', 'reboot-9999');
  await writeWholeFile(files, path, Buffer.from(changed, 'latin1'));
  return name;
}

async function inboxThatDid(files: MemoryFiles) {
  const around = new Surroundings();
  const inbox = await around.open(files, 'set-aside');
  const done = await commandOf('reboot', 'reboot-0001', staff.supervisor, issued(0));
  await inbox.take(done, done);
  // A second entry, so that the first is not a torn tail.
  const other = await commandOf('self-test', 'self-test-0001', staff.supervisor, issued(0));
  await inbox.take(other, other);
  await inbox.idle();
  if (around.ran.length !== 2) throw new Error(`${around.ran.length} commands were done, not 2`);
  await inbox.close();
  return done;
}

test('a damaged memory is refused where that is wanted, and otherwise set aside whole, once, with its reason', async (t) => {
  const files = new MemoryFiles();
  await inboxThatDid(files);
  const name = await damage(files);
  t.true(isAtalayaError(await t.throwsAsync(new Surroundings().open(files)), 'store-damaged'));
  const around = new Surroundings();
  const inbox = await around.open(files, 'set-aside');
  const at = around.clock.utc();
  t.is(inbox.setAside?.folder, `${ids}.damaged-${at}`);
  t.truthy(inbox.setAside?.reason);
  t.true((await listIfThere(files, `${ids}.damaged-${at}`)).includes(name), 'what was found is kept');
  await inbox.close();
  const again = await new Surroundings().open(files, 'set-aside');
  t.is(again.setAside, undefined);
  await again.close();
});

test('what was issued before the loss is refused with the reason for the rest of its life, over restarts; what is signed anew is done', async (t) => {
  const files = new MemoryFiles();
  const done = await inboxThatDid(files);
  await damage(files);
  for (let start = 0; start < 3; start += 1) {
    const around = new Surroundings();
    if (start > 0) await around.clock.advance(start * 24 * 3_600_000);
    const inbox = await around.open(files, 'set-aside');
    const before = await commandOf('reboot', `reboot-1${start}`.padEnd(12, '0'), staff.supervisor, issued(500));
    for (const command of [done, before]) await inbox.take(command, command);
    await inbox.resume();
    await inbox.idle();
    t.deepEqual(around.ran, []);
    for (const reply of around.replied) {
      t.is(reply.outcome, 'refused');
      t.regex(reply.reason ?? '', /^memory-lost: it is issued at .*: sign it anew after 20/);
    }
    t.true(around.replied.some(({ id }) => id === before.id));
    await inbox.close();
  }
  const later = new Surroundings();
  await later.clock.advance(600_000);
  const inbox = await later.open(files, 'set-aside');
  const anew = await commandOf('reboot', 'reboot-0002', staff.supervisor, issued(600_000));
  await inbox.take(anew, anew);
  await inbox.idle();
  t.deepEqual(
    later.ran.map(({ name }) => name),
    ['reboot'],
  );
  await inbox.close();
});

test('a power cut at any point of it forgets neither the ids nor that they are lost', async (t) => {
  for (let cut = 0; cut < 40; cut += 1) {
    const files = new MemoryFiles();
    const done = await inboxThatDid(files);
    await damage(files);
    let left = cut;
    files.plan = () => {
      left -= 1;
      return left < 0 ? 'power-cut' : undefined;
    };
    await new Surroundings().open(files, 'set-aside').then(
      (inbox) => inbox.close(),
      () => undefined,
    );
    for (const share of [0, 0.5, 1]) {
      const around = new Surroundings();
      const inbox = await around.open(
        files.survivors(() => share),
        'set-aside',
      );
      await inbox.take(done, done);
      await inbox.idle();
      t.deepEqual(around.ran, [], `cut ${cut}, ${share} of what was not durable`);
      await inbox.close();
    }
  }
});

test('a clock that was set back makes no earlier loss the newer one', async (t) => {
  const files = new MemoryFiles();
  const clock = new ManualClock(1000);
  const open = () => CommandMemory.open({ files, folder, damaged: 'set-aside', clock });
  await (await open()).memory.close();
  await setMemoryAside(files, folder, utcMilliseconds(5_000_000));
  await (await open()).memory.close();
  await setMemoryAside(files, folder, utcMilliseconds(1000));
  t.is(await forgottenBefore(files, folder), utcMilliseconds(5_000_001));
  const { memory } = await open();
  t.is(memory.forgotten, utcMilliseconds(5_000_001));
  await memory.close();
});
