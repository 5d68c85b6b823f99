import test from 'ava';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { utcMilliseconds } from '../../../device/kernel/units.ts';
import { makePerson, peopleOf } from '../../contract/testing/made-people.ts';
import { MemoryArchive } from '../archive/testing/memory-archive.ts';
import { AlertKeeper } from '../bridge/alert-keeper.ts';
import type { TrustStanding } from './people-keeper.ts';
import { TrustWatch } from './trust-watch.ts';

const day = 24 * 3600 * 1000;
const begin = Date.parse('2026-03-01T12:00:00Z');

test('the end of a trust document is told 30 days before, critical 7 days before, until a newer one is in force', async (t) => {
  const clock = new ManualClock(begin);
  const archive = new MemoryArchive(clock);
  const alerts = new AlertKeeper(archive, clock, true);
  const people = await peopleOf([makePerson('Ana', 'supervisor')]);
  let expires = begin + 31 * day;
  const standing = async (): Promise<TrustStanding> => {
    const at = utcMilliseconds(expires);
    if (clock.utc() >= expires) return { kind: 'expired', version: 1, at, detail: 'the trust document expired' };
    return { kind: 'in-force', people: { ...people, expires: at } };
  };
  const watches = [1, 2].map(() => new TrustWatch({ people: { standing }, alerts, clock }));
  const round = async () => {
    for (const watch of watches) await watch.round();
    return (await alerts.list({})).map(({ unit, name, state, since }) => `${unit} ${name} ${state} ${since}`);
  };
  const health = async () => (await watches[0]?.health())?.state;
  t.deepEqual(await round(), []);
  t.is(await health(), 'good');
  await clock.advance(1.5 * day);
  t.deepEqual(await round(), ['centre trust-expiring raised 2026-03-02T12:00:00.000Z']);
  t.is(await health(), 'degraded');
  t.like(watches[1]?.figures, { inForce: true, leftS: 29.5 * 86_400 });
  await alerts.acknowledge('centre', 'centre-trust-expiring', 'Ana', 'is on it');
  await clock.advance(23 * day);
  t.deepEqual(await round(), ['centre trust-expiring critical 2026-03-25T12:00:00.000Z']);
  await clock.advance(10 * day);
  t.deepEqual(await round(), ['centre trust-expiring critical 2026-03-25T12:00:00.000Z']);
  t.like(watches[0]?.figures, { inForce: false, leftS: -3.5 * 86_400 });
  t.is(await health(), 'degraded');
  t.is((await archive.takeForwards(10, 1000)).length, 1, 'critical is told once');
  expires = clock.utc() + 10 * day;
  t.regex((await round()).join(), /^centre trust-expiring raised/, 'the next one ends soon as well');
  t.is((await alerts.list({}))[0]?.acknowledged, undefined);
  expires = clock.utc() + 400 * day;
  t.deepEqual(await round(), []);
  t.is(await health(), 'good');
});

test('nothing is told of a document that does not expire, nor where there is none', async (t) => {
  const clock = new ManualClock(begin);
  const alerts = new AlertKeeper(new MemoryArchive(clock), clock, false);
  const people = await peopleOf([makePerson('Ana', 'supervisor')]);
  for (const found of [
    { kind: 'in-force', people },
    { kind: 'none', detail: 'nobody' },
  ] as const) {
    const watch = new TrustWatch({ people: { standing: async () => found }, alerts, clock });
    await watch.round();
    t.deepEqual(await alerts.list({}), []);
    t.is((await watch.health()).state, 'good');
    t.deepEqual(watch.figures, { inForce: found.kind === 'in-force', leftS: Number.POSITIVE_INFINITY });
  }
});
