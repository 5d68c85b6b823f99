import test from 'ava';
import { AtalayaError } from '../../kernel/errors.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { LateUpdates } from './late-updates.ts';
import type { UnitUpdates, UpdateLink } from './unit-updates.ts';

const link: UpdateLink = { get: async () => undefined, jobChanged: () => undefined, versionsChanged: () => undefined };

function trial(...outcomes: readonly ('none' | 'opens' | Error)[]) {
  const clock = new ManualClock();
  const seen: string[] = [];
  const notices: string[] = [];
  let tries = 0;
  const inner = {
    begin: (given: unknown) => seen.push(given === link ? 'begun' : 'begun without a link'),
    online: () => seen.push('online'),
    notified: (job: string) => seen.push(job),
    close: async () => void seen.push('closed'),
  } as unknown as UnitUpdates;
  const opened = LateUpdates.open({
    open: async () => {
      const outcome = outcomes[tries];
      tries += 1;
      if (outcome instanceof Error) throw outcome;
      return outcome === 'opens' ? inner : undefined;
    },
    timer: clock,
    notice: (fault) => notices.push(fault.code),
  });
  return { clock, seen, notices, opened, tries: () => tries };
}

const full = new AtalayaError('store-full', 'no space left');

test('a unit that trusts nobody has no updates', async (t) => {
  t.is(await trial('none').opened, undefined);
});

test('what can be opened is there at once', async (t) => {
  const { opened, seen } = trial('opens');
  const late = await opened;
  late?.begin(link);
  late?.online();
  late?.notified('job-1');
  await late?.close();
  t.deepEqual(seen, ['begun', 'online', 'job-1', 'closed']);
});

test('what cannot be opened for the moment is told, tried again, and then taken up where the link stands', async (t) => {
  const { opened, seen, notices, clock, tries } = trial(full, full, 'opens');
  const late = await opened;
  late?.begin(link);
  late?.online();
  late?.notified('job-1');
  await clock.advance(599_000);
  t.is(tries(), 1);
  await clock.advance(1_300_000);
  t.deepEqual([tries(), notices], [3, ['store-full', 'store-full']]);
  t.deepEqual(seen, ['begun', 'online'], 'what was hinted at meanwhile is asked for by whoever begins');
  await late?.close();
  t.deepEqual(seen, ['begun', 'online', 'closed']);
});

test('a unit that closes stops trying', async (t) => {
  const { opened, clock, tries } = trial(full, 'opens');
  const late = await opened;
  late?.begin(undefined);
  await late?.close();
  await clock.advance(3_600_000);
  t.is(tries(), 1);
});

test('a fault of the system, too, leaves the unit at its work: it is told, and tried again', async (t) => {
  const eio = Object.assign(new Error('EIO: i/o error, lstat /data/program/b'), { code: 'EIO' });
  const { opened, seen, notices, clock } = trial(eio, full, eio, 'opens');
  const late = await opened;
  late?.begin(link);
  await clock.advance(1_900_000);
  t.deepEqual(notices, ['internal', 'store-full', 'internal']);
  t.deepEqual(seen, ['begun']);
  await late?.close();
});
