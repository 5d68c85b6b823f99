import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import test from 'ava';
import { exportPacks } from '../cli/audit/export-packs.ts';
import { newAuthority } from '../cli/audit/new-authority.ts';
import { checkPlate } from '../evidence/re-derive/plate-check.ts';
import { rederive } from '../evidence/re-derive/re-derive.ts';
import { type ClipFile, evidenceRecord } from '../evidence/record/record.ts';
import { readPlate } from '../evidence/sealing/plate-commitment.ts';
import { parseKey } from '../evidence/verify/keys.ts';
import { verifyPack } from '../evidence/verify/verify-pack.ts';
import { verifyStore } from '../evidence/verify/verify-store.ts';
import { listKeyId } from '../plate/lists/list-key.ts';
import { signWatchList } from '../plate/lists/sign-watch-list.ts';
import { runEventSchema } from '../report/event-log.ts';
import { tallyOutcomes } from '../report/outcomes.ts';
import { loadTruth } from '../report/truth-schema.ts';
import { settle } from './settings.ts';
import { runUnit } from './unit.ts';

const device = join(import.meta.dirname, '..');

/** UK SI 2022/71, Schedule 1: at least five frames a second; no two of them further apart than that allows, or a frame more. */
function fastEnough(frames: ClipFile['frames']): boolean {
  const times = frames.map(([, elapsedMs]) => elapsedMs);
  return times.length > 5 && times.every((time, i) => i === 0 || time - (times[i - 1] ?? 0) <= 201);
}

/** A signed list with the plate of the one who runs the red light, and one that is a letter off the bus lane's car; and its key. */
async function writeWatchList(folder: string, plates: readonly { readonly id: string; readonly plate: string }[]) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const list = join(folder, 'stolen.json');
  const listKey = join(folder, 'lists.pem');
  const signer = { id: listKeyId(publicKey), sign: async (bytes: Uint8Array) => sign(null, bytes, privateKey) };
  const draft = { name: 'stolen', version: 1, issued: '2026-01-01T00:00:00Z', entries: plates };
  await writeFile(list, await signWatchList(draft, signer));
  await writeFile(listKey, publicKey.export({ type: 'spki', format: 'pem' }));
  return { lists: [list], listKey };
}

/** Every file below a folder. */
async function filesBelow(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
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
    config: join(device, 'config/examples/street.yaml'),
    data: join(folder, 'data'),
    events: join(folder, 'events.jsonl'),
    truth: join(device, 'capture/street/truth.json'),
  });
  const truth = await loadTruth(join(device, 'capture/street/truth.json'));
  const plateOf = (vehicle: string) => truth.vehicles.find(({ id }) => id === vehicle)?.plate ?? '';
  const listed = await writeWatchList(folder, [
    { id: 'case-17', plate: plateOf('red-runner') },
    { id: 'case-18', plate: plateOf('bus-lane-car').replace(/.$/, (last) => (last === 'Z' ? 'X' : 'Z')) },
  ]);
  const { record, comparison } = await runUnit(
    { ...settings, config: { ...settings.config, plates: { ...settings.config.plates, ...listed } } },
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
  t.deepEqual(comparison?.plates, { right: 6, wrong: 0, unread: 0 });
  t.deepEqual(
    events
      .flatMap((event) => (event.kind === 'alert' ? [[event.list, event.entry, event.match]] : []))
      .toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
    [
      ['stolen', 'case-17', 'exact'],
      ['stolen', 'case-18', 'one-off'],
    ],
  );
  t.is(record.counts.alerts, 2);

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
  // A seal waits for its plate, so that a later infraction may be sealed before.
  const sealedAs = record.infractions.map(({ evidence }) => evidence);
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
      new Set(['context', 'close-up', 'annotated', 'operator', 'clip', 'plate', 'plate-crop', 'plate-vehicle']),
    );
    const plate = readPlate(await readFile(join(out, 'opened/plate.json')));
    const accused = comparison?.infractions.find(
      (one) => one.outcome === 'found' && one.index === sealedAs.indexOf(id),
    );
    t.true(plate?.outcome === 'read' && plate.text === accused?.vehicle?.plate, `the plate of ${id} is its vehicle's`);
    t.like(record.plate, { outcome: 'read' });
    t.deepEqual(plate === undefined ? [] : checkPlate(plate, record).doubts, [], 'its reads and the raw track bear it');
    const clip = record.files.find((file) => file.role === 'clip');
    t.true(fastEnough(clip?.frames ?? []), 'five frames a second');
    const opened = await readFile(join(out, 'opened/clip.mjpeg'));
    t.true(clip?.frames.every(([, , at, bytes]) => opened.readUInt16BE(at) === 0xffd8 && at + bytes <= opened.length));
  }

  // In clear, a plate stands in nothing that the run wrote or said but the report, which was given the authority's identity.
  const texts = truth.vehicles.flatMap(({ plate }) => (plate === undefined ? [] : [plate]));
  t.true(texts.length >= 17);
  const pattern = new RegExp(texts.map((text) => `${text.slice(0, 4)}[ -]?${text.slice(4)}`).join('|'), 'i');
  const report = join(folder, 'data/report.html');
  t.regex(await readFile(report, 'utf8'), pattern);
  for (const file of [...(await filesBelow(data)), join(folder, 'events.jsonl')].filter((one) => one !== report)) {
    t.notRegex(file, pattern);
    t.notRegex(await readFile(file, 'latin1'), pattern, file);
  }
  t.notRegex(said.join(''), pattern);

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
