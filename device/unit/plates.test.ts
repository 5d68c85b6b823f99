import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Config } from '../config/config-schema.ts';
import { defaultConfig } from '../config/load-config.ts';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { type AtalayaError, explain } from '../kernel/errors.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import { toIso, utcMilliseconds } from '../kernel/units.ts';
import { loadFormats } from '../plate/formats/format.ts';
import type { PlateFormat } from '../plate/formats/plate-format.ts';
import { listKeyId } from '../plate/lists/list-key.ts';
import { signWatchList } from '../plate/lists/sign-watch-list.ts';
import type { ListAlert } from '../plate/lists/watch-lists.ts';
import { drawing, drawVehicle } from '../plate/testing/draw-vehicle.ts';
import { madeFrame, madeTrack, seen } from '../plate/testing/made-sights.ts';
import { defaultWatchSettings } from '../plate/watch/settings.ts';
import { openPlates, type UnitPlates, watchSettings } from './plates.ts';

const text = '4821KLM';

async function settings(t: ExecutionContext, plates: Partial<Config['plates']> = {}): Promise<Config> {
  const data = await mkdtemp(join(tmpdir(), 'unit-plates-'));
  t.teardown(() => rm(data, { recursive: true, force: true }));
  const config = defaultConfig();
  return { ...config, plates: { ...config.plates, ...plates }, evidence: { ...config.evidence, data } };
}

/** A signed list with one plate, good for a minute from now. */
async function oneList(t: ExecutionContext, clock: ManualClock): Promise<Pick<Config['plates'], 'lists' | 'listKey'>> {
  const folder = await mkdtemp(join(tmpdir(), 'unit-lists-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const signer = { id: listKeyId(publicKey), sign: async (bytes: Uint8Array) => sign(null, bytes, privateKey) };
  const [list, listKey] = [join(folder, 'stolen.json'), join(folder, 'lists.pem')];
  const [issued, expires] = [toIso(clock.utc()), toIso(utcMilliseconds(clock.utc() + 60_000))];
  const entries = [{ id: 'case-17', plate: text }];
  await writeFile(
    list,
    await signWatchList({ name: 'stolen', version: 1, issued, expires, oneOff: undefined, entries }, signer),
  );
  await writeFile(listKey, publicKey.export({ type: 'spki', format: 'pem' }));
  return { lists: [list], listKey };
}

/** A unit's plates, and what they told of. */
async function opened(config: Config, formats: readonly string[], clock: Clock = systemClock) {
  const alerts: ListAlert[] = [];
  const faults: AtalayaError[] = [];
  const stop = new AbortController();
  const plates = await openPlates(config, { plates: { formats } }, true, clock, stop.signal, {
    alert: (alert) => alerts.push(alert),
    fault: (fault) => faults.push(fault),
  });
  return { plates, alerts, faults, stop };
}

/** A vehicle drives by: seen on one frame, gone on the next. */
async function drive(plates: UnitPlates, track: number): Promise<void> {
  const [format] = await loadFormats(['es-modern']);
  const { crop } = await drawVehicle(drawing(text, format as PlateFormat), seededRandom(3));
  const { width, height } = crop.vehicle;
  const box = { x: crop.vehicle.x - crop.origin.x, y: crop.vehicle.y - crop.origin.y, width, height };
  const frame = { ...madeFrame(track * 10, track * 400), picture: crop.pixels };
  await plates.observe(frame, seen([madeTrack(track, frame, box)]));
  const next = { ...madeFrame(track * 10 + 1, track * 400 + 40), picture: crop.pixels };
  await plates.observe(next, seen([], [madeTrack(track, frame, box, { status: 'ended' })]));
}

test.serial(
  'a unit that sees no vehicle comes to rest: the reader that was opened to be tried is closed',
  async (t) => {
    const threads = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
    const before = threads();
    const { plates } = await opened(await settings(t), ['es']);
    t.true(threads() > before);
    plates.finish();
    await plates.close();
    t.is(threads(), before);
  },
);

test('a plate is read, told of with its list, and not told of any more when the list has expired, which is said once', async (t) => {
  const clock = new ManualClock();
  const { plates, alerts, faults } = await opened(await settings(t, await oneList(t, clock)), ['es'], clock);
  t.regex(plates.opening.join('\n'), /watch list stolen 1: 1 entries/);
  await drive(plates, 1);
  t.like(await plates.plateOf([1]), { kind: 'read', text });
  t.deepEqual(
    alerts.map(({ list, entry, match, track }) => [list, entry, match, track]),
    [['stolen', 'case-17', 'exact', 1]],
  );
  clock.setUtc(clock.utc() + 60_000);
  for (const track of [2, 3]) {
    await drive(plates, track);
    t.like(await plates.plateOf([track]), { kind: 'read', text });
  }
  await plates.close();
  await plates.close();
  t.is(alerts.length, 1);
  t.deepEqual(
    faults.map(({ code }) => code),
    ['list-refused'],
  );
  t.regex(faults[0]?.message ?? '', /stolen 1 has expired/);
  t.false(JSON.stringify([alerts, faults.map(explain), plates.opening]).includes(text));
});

test('a unit that is to come to rest has an answer within the second', async (t) => {
  const { plates, stop } = await opened(await settings(t), ['es']);
  await drive(plates, 1);
  const asked = performance.now();
  const plate = plates.plateOf([1]);
  stop.abort();
  t.true(['read', 'unread'].includes((await plate).kind));
  await plates.close();
  t.true(performance.now() - asked < 4000);
});

test('without formats, or where none is to be read, every plate is unread, and the lists are said to be idle', async (t) => {
  const lists = await oneList(t, new ManualClock());
  const none = await opened(await settings(t), []);
  t.deepEqual(none.plates.opening, ['plates are NOT read: the scene names no formats (plates.formats)']);
  const off = await opened(await settings(t, { read: false, ...lists }), ['es'], new ManualClock());
  t.deepEqual(off.plates.opening, ['plates are NOT read: plates.read is false, so no watch list is in use']);
  t.like(await off.plates.plateOf([1]), { kind: 'unread', reason: 'reader-off' });
  await off.plates.close();
});

test('the watch and the configuration have the same defaults', (t) => {
  const { vote, ...configured } = watchSettings(defaultConfig(), false);
  const { vote: own, ...defaults } = defaultWatchSettings;
  t.deepEqual(configured, defaults);
  t.deepEqual({ ...vote, leastConfidence: own.leastConfidence }, own);
});
