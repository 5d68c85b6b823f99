import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import test from 'ava';
import { exportPacks } from './cli/audit/export-packs.ts';
import { newAuthority } from './cli/audit/new-authority.ts';
import { rederive } from './evidence/re-derive/re-derive.ts';
import { type ClipFile, evidenceRecord } from './evidence/record/record.ts';
import { parseKey } from './evidence/verify/keys.ts';
import { verifyPack } from './evidence/verify/verify-pack.ts';
import { verifyStore } from './evidence/verify/verify-store.ts';
import { runEventSchema } from './report/event-log.ts';
import { tallyOutcomes } from './report/outcomes.ts';
import { runUnit } from './unit.ts';
import { settle } from './unit-settings.ts';

const here = import.meta.dirname;

/** UK SI 2022/71, Schedule 1: at least five frames a second; no two of them further apart than that allows, or a frame more. */
function fastEnough(frames: ClipFile['frames']): boolean {
  const times = frames.map(([, elapsedMs]) => elapsedMs);
  return times.length > 5 && times.every((time, i) => i === 0 || time - (times[i - 1] ?? 0) <= 201);
}

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
  const identity = join(folder, 'authority.txt');
  await newAuthority({ out: identity }, () => {});
  const settings = await settle({
    identity,
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

  const data = join(folder, 'data');
  const key = parseKey(await readFile(join(data, 'evidence/public/unit.pem'), 'utf8'));
  const verdict = await verifyStore(join(data, 'evidence'), { key });
  t.deepEqual(
    verdict.findings.filter(({ severity }) => severity === 'failure'),
    [],
  );
  // The report was given the pictures, and so that is stated too.
  t.like(verdict.counts, { evidence: 6, actions: 1 });

  const by = { store: data, who: 'the test', why: 'to see that it stands up' };
  for (let number = 1; number <= 6; number += 1) {
    const id = `street-demo-00000000${number}`;
    const out = join(folder, 'packs', id);
    await exportPacks([id], { ...by, out, identity }, () => {}, new AbortController().signal);
    const pack = await verifyPack(out, { key });
    t.deepEqual(
      pack.findings.filter(({ severity }) => severity === 'failure'),
      [],
    );
    const record = evidenceRecord.parse(JSON.parse(await readFile(join(out, 'record.json'), 'utf8')));
    t.is(rederive(record).outcome, 'same', `every figure of ${id} comes out of its raw data again`);
    t.true(record.auxiliary.track.length > 5, 'the raw track stands beside what was made of it');
    t.deepEqual(
      new Set(record.files.map(({ role }) => role)),
      new Set(['context', 'close-up', 'annotated', 'operator', 'clip']),
    );
    const clip = record.files.find((file) => file.role === 'clip');
    t.true(fastEnough(clip?.frames ?? []), 'five frames a second');
    const opened = await readFile(join(out, 'opened/clip.mjpeg'));
    t.true(clip?.frames.every(([, , at, bytes]) => opened.readUInt16BE(at) === 0xffd8 && at + bytes <= opened.length));
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
