import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SqliteArchive } from '../../../cloud-bridge/centre/archive/sqlite-archive.ts';
import { parseKey } from '../../../device/evidence/verify/keys.ts';
import { verifyStore } from '../../../device/evidence/verify/verify-store.ts';
import { systemClock } from '../../../device/kernel/clock.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { callProgram, source } from '../../../device/testing/call-program.ts';
import { Installer } from '../../archive/installer.ts';
import { target as targetSchema } from '../../contract/target.ts';
import { type Change, changedSource, crashes, isBlind, versionIs } from './changed-source.ts';
import { LaunchedUnit } from './launched-unit.ts';
import { UpdateCentre } from './update-centre.ts';
import { isEnd, isJob, isOnline, longestAway, WatchedTopics } from './watched-topics.ts';

/**
 * The running program of this machine is updated: to a new one, to one that is blind, to one that does not start; and is watched from outside, over
 * MQTT. Prints what was measured. Ends with 1 where something is not as it has to be, with 3 where nothing can be shown here.
 */

const unit = 'north-1';
const cpu = process.arch;
const releases: readonly { readonly release: number; readonly version: string; readonly changes: readonly Change[] }[] =
  [
    { release: 1, version: '0.1.1', changes: [] },
    { release: 2, version: '0.2.0', changes: [] },
    { release: 3, version: '0.3.0', changes: [isBlind] },
    { release: 4, version: '0.4.0', changes: [crashes] },
  ];

const { values } = parseArgs({ options: { work: { type: 'string' }, keep: { type: 'boolean', default: false } } });
const work = values.work ?? (await mkdtemp(join(tmpdir(), 'atalaya-update-')));
const at = (name: string) => join(work, name);
const say = (words: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${words}`);
const nameOf = ({ release, version }: { readonly release: number; readonly version: string }) =>
  `unit-${version}-r${release}-${cpu}`;

/** Makes each release, and the patches between neighbours; what lies there already stands. */
async function makeBundles(): Promise<void> {
  for (const one of releases) {
    const made = await readFile(at(`bundles/${nameOf(one)}.tar.zst.target.json`)).catch(() => undefined);
    const short = made ?? (await readFile(at(`bundles/${nameOf(one)}.target.json`)).catch(() => undefined));
    if (short !== undefined) continue;
    say(`making ${nameOf(one)}`);
    await changedSource(source, at('source'), [versionIs(one.version), ...one.changes]);
    await callProgram('ota', [
      ...['bundle', 'program', '--cpu', cpu, '--source', at('source'), '--cache', at('cache')],
      // Of what is measured here nothing depends on how hard it was compressed.
      ...['--release', String(one.release), '--version', one.version, '--level', '3', '--out', at('bundles')],
    ]);
    const before = releases.find(({ release }) => release === one.release - 1);
    if (before === undefined || one.release > 3) continue;
    say(`making the patch from ${nameOf(before)}`);
    await callProgram('ota', [
      ...['bundle', 'patch', '--from', at(`bundles/${nameOf(before)}.tar.zst`)],
      ...['--to', at(`bundles/${nameOf(one)}.tar.zst`), '--out', at('bundles')],
    ]);
  }
  await rm(at('source'), { recursive: true, force: true });
}

/** A model and a trust document that travel without the program. */
async function makeComponents({ folder }: UpdateCentre): Promise<void> {
  const facts = ['--release', '1', '--hardware', cpu, '--out', at('components')];
  const model = join(source, '.build/models/ssdlite-mobilenet-v2-int8');
  await callProgram('ota', ['bundle', 'model', '--model', model, ...facts]);
  const [trust, key] = [join(folder, 'trust-2.json'), join(folder, 'ben-of-operations.pem')];
  await copyFile(join(folder, 'trust.json'), trust);
  await callProgram('fleet', ['new-key', '--out', key]);
  await callProgram('fleet', [
    ...['trust', 'add', '--file', trust, '--name', 'Ben', '--role', 'operator'],
    ...['--public-key', key.replace(/\.pem$/, '.public.pem')],
  ]);
  await callProgram('fleet', ['trust', 'sign', '--file', trust, '--root', join(folder, 'root.pem'), '--days', '365']);
  await callProgram('ota', ['bundle', 'trust', '--trust', trust, '--root', join(folder, 'root.public.pem'), ...facts]);
}

/** What came with the machine: the first release, unpacked. */
async function layImage(): Promise<void> {
  const name = `${nameOf(releases[0] as (typeof releases)[number])}.tar.zst`;
  const text = await readFile(at(`bundles/${name.replace(/\.tar\.zst$/, '')}.target.json`), 'utf8').catch(() =>
    readFile(at(`bundles/${name}.target.json`), 'utf8'),
  );
  const installer = new Installer(systemTreeFiles, { cpu: cpu === 'arm64' ? 'arm64' : 'x64' });
  await rm(at('image'), { recursive: true, force: true });
  const outcome = await installer.unpack(
    targetSchema.parse(JSON.parse(text)),
    at(`bundles/${name}`),
    at('image'),
    new AbortController().signal,
  );
  if (outcome.kind === 'refused') throw new Error(`${outcome.code}: ${outcome.detail}`);
}

async function unitFile({ folder, broker, witness }: UpdateCentre): Promise<string> {
  const { out: said } = await callProgram('audit', ['new-authority', '--out', join(folder, 'authority.txt')]);
  const recipient = /age1[0-9a-z]+/.exec(said)?.[0] ?? '';
  const file = join(folder, 'unit.yaml');
  await writeFile(
    file,
    `unit: { id: ${unit}, site: North gate }
scene: ${join(source, 'device/scene/examples/street.yaml')}
source: { path: ${join(source, 'device/capture/street/street.mjpeg')}, pace: timestamps, atEnd: repeat }
plates: { read: false }
evidence: { data: unit, authority: [${recipient}], witnesses: ['${witness}'], checkpointEntries: 4, checkpointMinutes: 0.2 }
cloud:
  broker: ${broker.url}
  ca: pki/ca.pem
  cert: ${unit}.pem
  key: ${unit}.key
  trust: trust.json
  rootKey: root.public.pem
  telemetryS: 5
updates: { imageRoot: image-root.json, directorRoot: director-root.json, clock: believed }
log: { folder: ${at('logs')}, level: info }
`,
  );
  return file;
}

interface Outcome {
  readonly target: string;
  readonly step: string;
  readonly seconds: number;
  readonly bytes: number;
  readonly interruptions: readonly number[];
  readonly away: number;
  readonly reasons: readonly string[];
}

/** Jobs whose end was heard: a unit tells its last one again at each start. */
const over = new Set<string | undefined>();

/** Bytes that the unit has taken over its link today, as it counts them itself. */
async function downloaded(): Promise<number> {
  const text = await readFile(at('slots/update.json'), 'utf8').catch(() => '{}');
  return (JSON.parse(text) as { readonly bytes?: { readonly bytes: number } }).bytes?.bytes ?? 0;
}

/** One campaign over the one unit, watched to its end. */
async function campaign(
  centre: UpdateCentre,
  watched: WatchedTopics,
  target: string,
  runs: string,
  trial: readonly string[],
): Promise<Outcome> {
  const from = watched.heard.length;
  const [began, before] = [Date.now(), await downloaded()];
  await centre.fleet(
    ...['rollout', 'start', '--update', `${target}.tar.zst`, '--group', `all=${unit}`],
    ...['--deadline', '30', '--yes', ...trial],
  );
  const end = await watched.until(
    `the end of ${target}`,
    (one) => isEnd(one) && !over.has(one.content.job),
    900_000,
    from,
  );
  over.add(end.content.job);
  await watched.until(`${runs} runs`, (heard) => isOnline(heard, runs), 120_000, from);
  const heard = watched.heard.slice(from);
  const told = heard.filter(isJob).map(({ content }) => content.interruptionS);
  await watched.until('it judges frames', (one) => one.topic === 'telemetry' && one.at > end.at, 60_000, from);
  return {
    target,
    step: String(end.content.step),
    seconds: (end.at - began) / 1000,
    bytes: (await downloaded()) - before,
    interruptions: [...new Set(told.filter((one): one is number => typeof one === 'number'))],
    away: longestAway(heard),
    reasons: end.content.reasons ?? [],
  };
}

function tell({ target, step, seconds, bytes, interruptions, away, reasons }: Outcome): void {
  const gaps = interruptions.length === 0 ? 'none told' : interruptions.map((one) => `${one.toFixed(2)} s`).join(', ');
  say(`${target}: ${step} after ${seconds.toFixed(1)} s, ${(bytes / 1e6).toFixed(3)} MB downloaded`);
  say(`  frame path interrupted: ${gaps}; away from the broker at most ${away.toFixed(2)} s`);
  for (const reason of reasons) say(`  ${reason}`);
}

/** The ledger verifies whole, and the archive has each entry once. */
async function checkEvidence({
  folder,
}: UpdateCentre): Promise<{ records: number; infractions: number; updates: number }> {
  const store = join(folder, 'unit/evidence');
  const verdict = await verifyStore(store, { key: parseKey(await readFile(join(store, 'public/unit.pem'), 'utf8')) });
  if (!verdict.ok) throw new Error(`the evidence does not verify: ${JSON.stringify(verdict.findings.slice(0, 3))}`);
  const archive = await SqliteArchive.open(join(folder, 'centre/archive.sqlite'), { clock: systemClock });
  const events = await archive.events({ unit, lane: 'infraction', order: 'sequence', limit: 100_000 });
  await archive.close();
  const gap = events.findIndex(({ sequence }, index) => sequence !== index + 1);
  if (gap >= 0) throw new Error(`the archive has a gap before entry ${gap + 1}`);
  return {
    records: verdict.counts.records,
    infractions: events.filter(({ kind }) => kind === 'infraction').length,
    updates: events.filter(({ data }) => JSON.stringify(data).includes('"kind":"update"')).length,
  };
}

const faults: string[] = [];
const expect = (holds: boolean, what: string) => {
  if (!holds) faults.push(what);
};

await mkdir(at('bundles'), { recursive: true });
await makeBundles();
await layImage();
for (const name of ['centre', 'components', 'slots', 'logs']) await rm(at(name), { recursive: true, force: true });
const centre = await UpdateCentre.open(at('centre'), [unit]);
if (centre === undefined) {
  console.error('mosquitto is not installed: nothing was shown');
  process.exit(3);
}
await makeComponents(centre);
await centre.publish([at('bundles'), at('components')]);
const running = new LaunchedUnit({
  root: at('slots'),
  image: at('image'),
  config: await unitFile(centre),
  log: at('unit.log'),
});
const watched = await WatchedTopics.open(centre.folder, centre.broker.url, unit);
try {
  await running.start();
  await watched.until('the unit is there', (heard) => isOnline(heard, '0.1.1'), 60_000);
  await watched.until('it says what it runs', ({ topic }) => topic === 'job/versions', 60_000);
  say('the unit runs 0.1.1, the program of the image');

  const trial = ['--hold', '0.3', '--trial', '3'];
  const good = await campaign(centre, watched, nameOf({ release: 2, version: '0.2.0' }), '0.2.0', trial);
  tell(good);
  expect(good.step === 'confirmed', `0.2.0 ended as ${good.step}`);
  expect(running.starts === 1, `the manager had to start the unit ${running.starts} times`);

  const components = (await readdir(at('components'))).filter((name) => name.endsWith('.tar.zst'));
  for (const name of components) {
    const one = await campaign(centre, watched, name.replace(/\.tar\.zst$/, ''), '0.2.0', trial);
    tell(one);
    expect(one.step === 'confirmed', `${name} ended as ${one.step}`);
  }
  const parts = watched.heard.findLast(({ topic }) => topic === 'job/versions')?.content.parts ?? [];
  expect(parts.length === 1 + components.length, `the version report names ${parts.length} parts`);

  const blind = await campaign(centre, watched, nameOf({ release: 3, version: '0.3.0' }), '0.2.0', [
    '--hold',
    '0.3',
    '--trial',
    '1',
  ]);
  tell(blind);
  expect(blind.step === 'rolled-back', `the blind program ended as ${blind.step}`);
  expect(
    blind.reasons.some((reason) => /detector/.test(reason)),
    'nobody said that the detector finds nothing',
  );

  const broken = await campaign(centre, watched, nameOf({ release: 4, version: '0.4.0' }), '0.2.0', trial);
  tell(broken);
  expect(broken.step === 'rolled-back', `the program that does not start ended as ${broken.step}`);

  const reported = watched.heard.findLast(({ topic }) => topic === 'job/versions')?.content;
  expect(reported?.parts?.[0]?.version === '0.2.0', 'the version report does not say 0.2.0');
  say(await centre.fleet('updates', 'show', unit));
} catch (error) {
  faults.push(error instanceof Error ? error.message : String(error));
} finally {
  await running.stop();
  await watched.close();
  await centre.close();
}
const evidence = await checkEvidence(centre).catch((error: unknown) => {
  faults.push(String(error));
  return undefined;
});
if (evidence !== undefined) {
  say(
    `evidence: ${evidence.records} entries verify, ${evidence.infractions} infractions and ${evidence.updates} updates archived once, in order`,
  );
  expect(evidence.infractions > 0 && evidence.updates >= 5, 'infractions or updates are missing in the archive');
}
for (const fault of faults) console.error(`NOT AS IT HAS TO BE: ${fault}`);
if (values.keep || faults.length > 0) console.error(`what it left: ${work}`);
else await rm(work, { recursive: true, force: true });
process.exitCode = faults.length > 0 ? 1 : 0;
