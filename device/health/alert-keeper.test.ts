import test from 'ava';
import type { Alert } from '../../cloud-bridge/contract/events.ts';
import { readWholeFile, writeWholeFile } from '../kernel/durable-file.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import { milliseconds } from '../kernel/units.ts';
import { AlertKeeper } from './alert-keeper.ts';
import { type HealthFacts, usualLimits } from './health-facts.ts';

const path = '/data/health/alerts.json';
const lost: HealthFacts = { camera: { silent: milliseconds(20_000) } };
const seen: HealthFacts = { camera: { silent: milliseconds(10) } };

function bench(files = new MemoryFiles(), clock = new ManualClock()) {
  const taken: Alert[] = [];
  const faults: AtalayaError[] = [];
  const state: { refuses: boolean; reason: unknown } = {
    refuses: false,
    reason: new AtalayaError('store-full', 'no room'),
  };
  const open = () =>
    AlertKeeper.open({
      unit: 'u-1',
      path,
      files,
      limits: usualLimits,
      clock,
      offer: async (alert) => {
        if (state.refuses) throw state.reason;
        taken.push(alert);
      },
      onFault: (fault) => faults.push(fault),
    });
  return { files, clock, taken, faults, state, open, told: () => taken.map(({ name, state }) => `${name} ${state}`) };
}

test('an alert lives through a restart and is closed where its cause went meanwhile, under its id', async (t) => {
  const { open, taken, told, clock } = bench();
  await (await open()).look(lost);
  const again = await open();
  t.deepEqual(
    again.alerts.map(({ name, state }) => [name, state]),
    [['camera-lost', 'raised']],
  );
  await again.look(seen);
  await clock.advance(10_000);
  await again.look(seen);
  t.deepEqual(told(), ['camera-lost raised', 'camera-lost closed']);
  t.is(taken[0]?.id, taken[1]?.id);
  t.deepEqual((await open()).alerts, []);
});

test('how an alert is now is told and not remembered: the file changes with the alert alone', async (t) => {
  const { open, files } = bench();
  const keeper = await open();
  await keeper.look(lost);
  const written = (await readWholeFile(files, path))?.toString();
  await keeper.look({ camera: { silent: milliseconds(50_000) } });
  t.like(keeper.alerts[0], { detail: 'no frame for 20 s', now: 'no frame for 50 s' });
  t.is((await readWholeFile(files, path))?.toString(), written);
  const [again] = (await open()).alerts;
  t.deepEqual([again?.detail, again?.now], ['no frame for 20 s', undefined]);
});

test('what goes on is not raised again by a restart', async (t) => {
  const { open, told } = bench();
  await (await open()).look(lost);
  await (await open()).look(lost);
  t.deepEqual(told(), ['camera-lost raised']);
});

test('a change that nobody took is offered again, in order, and after a restart too', async (t) => {
  const { open, told, state, clock } = bench();
  state.refuses = true;
  const keeper = await open();
  t.is((await keeper.look(lost)).length, 1);
  await keeper.look({ camera: { silent: milliseconds(130_000) } });
  t.is(keeper.unsent, 2);
  const again = await open();
  t.is(again.unsent, 2);
  await clock.advance(1000);
  state.refuses = false;
  await again.look({});
  t.deepEqual(told(), ['camera-lost raised', 'camera-lost critical']);
  t.is(again.unsent, 0);
  t.is((await open()).unsent, 0);
});

test('why a change was not taken is told once for each reason, counted, and told again after all was taken', async (t) => {
  const { open, faults, state, clock } = bench();
  const keeper = await open();
  const look = async (silent: number) => {
    await clock.advance(130_000);
    await keeper.look({ camera: { silent: milliseconds(silent) } });
  };
  state.refuses = true;
  await keeper.look(lost);
  for (let i = 0; i < 5; i += 1) await look(20_000);
  t.deepEqual(
    faults.map(({ code, message }) => [code, message]),
    [['store-full', 'alerts are not taken, and wait: no room']],
  );
  state.reason = new Error('the lane is closed');
  for (let i = 0; i < 5; i += 1) await look(20_000);
  t.is(faults.length, 2);
  t.is(faults[1]?.code, 'internal');
  t.regex(faults[1]?.message ?? '', /the lane is closed/);
  t.is(keeper.refusedOffers, 11);
  t.is(keeper.givenUp, 0);
  state.refuses = false;
  await look(20_000);
  t.is(keeper.unsent, 0);
  state.refuses = true;
  for (let i = 0; i < 3; i += 1) await look(10);
  t.is(faults.length, 3, 'an outage later is told anew');
});

test('more alerts than can wait: the newest are kept, and those given up are counted and told once', async (t) => {
  const { open, faults, taken, state, files } = bench();
  state.refuses = true;
  const keeper = await open();
  for (let i = 0; i < 130; i += 1) {
    const hits = Array.from({ length: 8 }, (_, at) => ({ list: 'stolen', entry: `entry-${i}-${at}` }));
    await keeper.look({ watchList: hits });
  }
  t.is(keeper.unsent, 1000);
  t.is(keeper.givenUp, 40);
  t.deepEqual(
    faults.map(({ message }) => message),
    ['alerts are not taken, and wait: no room', 'more than 1000 alerts wait to be taken: the oldest are given up'],
  );
  state.refuses = false;
  await keeper.look({});
  t.is(taken.length, 1000);
  t.true(JSON.stringify(taken.at(-1)).includes('entry-129-7'));
  t.true((await readWholeFile(files, path))?.toString().includes('"unsent":[]'));
});

test('a look that changes nothing writes nothing', async (t) => {
  const { open, files } = bench();
  const keeper = await open();
  await keeper.look(lost);
  const before = await readWholeFile(files, path);
  await files.remove(path);
  await keeper.look(lost);
  t.is(await readWholeFile(files, path), undefined);
  t.true((before?.byteLength ?? 0) > 0);
});

test('looks that come together are judged one after the other', async (t) => {
  const { open, told } = bench();
  const keeper = await open();
  await Promise.all([keeper.look(lost), keeper.look(lost), keeper.look(lost)]);
  t.deepEqual(told(), ['camera-lost raised']);
});

test('a disk that takes nothing is told, and the alert is sent all the same', async (t) => {
  const { open, files, faults, told } = bench();
  const keeper = await open();
  files.plan = ({ kind }) => (kind === 'write' ? { code: 'ENOSPC' } : undefined);
  await keeper.look(lost);
  t.deepEqual(told(), ['camera-lost raised']);
  t.is(keeper.unsent, 0);
  t.true(faults.length > 0 && faults.every(({ code }) => code === 'store-full'));
});

test('wherever the power is cut, what was taken is remembered under its id, and all is taken in the end', async (t) => {
  let cuts = 0;
  for (let number = 0; ; number += 1) {
    const first = bench();
    let cut = false;
    first.files.plan = (operation) => {
      if (operation.number !== number) return undefined;
      cut = true;
      return 'power-cut';
    };
    await first
      .open()
      .then((keeper) => keeper.look(lost))
      .catch(() => undefined);
    if (!cut) break;
    cuts += 1;
    const second = bench(first.files.survivors(seededRandom(number)));
    await second.clock.advance(5000);
    const keeper = await second.open();
    await keeper.look(lost);
    const ids = new Set([...first.taken, ...second.taken].map(({ id }) => id));
    const durable = first.taken.length > 0 && first.faults.length === 0;
    if (durable) t.is(ids.size, 1, `cut at ${number}`);
    t.is(keeper.alerts.length, 1);
    t.true(first.taken.length + second.taken.length >= 1);
    t.deepEqual(second.faults, []);
  }
  t.true(cuts > 10, `${cuts}`);
});

test('a file of another making is told and begun anew; an alert of an unknown name is closed', async (t) => {
  for (const text of ['', '{', '{"schema":"atalaya/alerts/1"}', '[]', '\u0000']) {
    const { open, files, faults } = bench();
    await files.makeFolder('/data');
    await files.makeFolder('/data/health');
    await writeWholeFile(files, path, Buffer.from(text));
    t.deepEqual((await open()).alerts, []);
    t.is(faults[0]?.code, 'store-damaged', text);
  }
  const { open, files, faults, taken } = bench();
  await files.makeFolder('/data');
  await files.makeFolder('/data/health');
  const old = {
    id: 'moon-lost-1',
    name: 'moon-lost',
    subject: '',
    state: 'raised',
    since: '2026-03-01T12:00:00.000Z',
    detail: 'x',
  };
  await writeWholeFile(
    files,
    path,
    Buffer.from(JSON.stringify({ schema: 'atalaya/alerts/1', open: [old], unsent: [] })),
  );
  await (await open()).look({});
  t.like(taken[0], { id: 'moon-lost-1', state: 'closed', detail: 'over: x' });
  t.is(faults.length, 0);
});
