import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import test from 'ava';
import { EvidenceStore } from './evidence/evidence-store.ts';
import { systemClock } from './kernel/clock.ts';
import { runEventSchema } from './report/event-log.ts';
import { tallyOutcomes } from './report/outcomes.ts';
import { runUnit } from './unit.ts';
import { settle } from './unit-settings.ts';

const here = import.meta.dirname;

/** The whole program on the street whose truth is known: real frames, the real detector, real files. */
test('the street: every infraction found, none invented, speeds within bounds, evidence whole, events as promised', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'unit-street-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const said: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      said.push(String(chunk));
      done();
    },
  });
  const settings = await settle({
    config: join(here, 'config/examples/street.yaml'),
    data: join(folder, 'data'),
    events: join(folder, 'events.jsonl'),
    truth: join(here, 'capture/street/truth.json'),
  });
  const { record, comparison } = await runUnit(
    settings,
    { stream, environment: {}, onLines: () => {} },
    new AbortController().signal,
  );

  t.deepEqual(comparison && tallyOutcomes(comparison), { found: 6, missed: 0, invented: 0 });
  t.deepEqual(record.infractions.map(({ infraction }) => infraction.rule).toSorted(), [
    'red-light',
    'restricted-lane',
    'speeding',
    'speeding',
    'stopping',
    'wrong-way',
  ]);
  t.is(record.counts.frames, 320);
  t.is(record.counts.skipped, 0);
  t.deepEqual(comparison?.unseen, []);
  const { medianKmh = Number.NaN, largestKmh = Number.NaN, errors = [] } = comparison?.speed ?? {};
  t.log(
    `speed against truth: median error ${medianKmh.toFixed(2)} km/h, largest ${largestKmh.toFixed(2)} km/h, ${errors.length} vehicles`,
  );
  t.true(errors.length >= 12);
  t.true(medianKmh <= 1);
  t.true(largestKmh <= 3);

  const events = (await readFile(join(folder, 'events.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => runEventSchema.parse(JSON.parse(line)));
  t.is(events.filter(({ kind }) => kind === 'infraction').length, 6);
  t.is(events.filter(({ kind }) => kind === 'crossing').length, record.crossings.length);

  const store = await EvidenceStore.open(join(folder, 'data'), {
    unit: 'street-demo',
    boot: 'after',
    clock: systemClock,
  });
  t.teardown(() => store.close());
  t.is(store.opening.records, 6);
  for (let sequence = 1; sequence <= 6; sequence += 1) {
    const sealed = await store.read(sequence);
    t.true((sealed?.files.length ?? 0) >= 3);
    // Reading checks every hash.
    for (const file of sealed?.files ?? []) await store.readFile(file);
    t.true((sealed?.record.auxiliary.track.length ?? 0) > 5, 'the raw track stands beside what was made of it');
  }

  const lines = (await readFile(join(folder, 'data/lines.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.true(lines.filter(({ line, level }) => line === 'strobe' && level).length >= 1);
  for (const output of ['beacon', 'strobe'])
    t.false(lines.findLast(({ line }) => line === output).level, 'safe at the end');
  const page = await readFile(join(folder, 'data/report.html'), 'utf8');
  for (const words of ['Speeding', 'Red light', 'Wrong way', 'data:image/jpeg']) t.true(page.includes(words), words);
  t.true(said.join('').includes('6 of 6 true ones found, 0 missed, 0 invented'));
});
