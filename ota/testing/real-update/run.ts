import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { callProgram, source } from '../../../device/testing/call-program.ts';
import { Campaigns, type Outcome, outcomeWords } from './campaign.ts';
import { checkEvidence } from './kept-evidence.ts';
import { LaunchedUnit } from './launched-unit.ts';
import { configuredScene, type MadeScenes, makeScenes, recording } from './made-scenes.ts';
import { bundleName, layImage, makeReleases, releases } from './release-bundles.ts';
import { updateScenes } from './scene-updates.ts';
import { UpdateCentre } from './update-centre.ts';
import { isOnline, WatchedTopics } from './watched-topics.ts';

/**
 * The running program of this machine is updated: to a new one, beside it its model, its people and its scene, to scenes that no unit can be well
 * with, to a program that is blind, to one that does not start; and is watched from outside, over MQTT. Prints what was measured. Ends with 1 where
 * something is not as it has to be, with 3 where nothing can be shown here.
 */

const unit = 'north-1';
const cpu = process.arch;

const { values } = parseArgs({ options: { work: { type: 'string' }, keep: { type: 'boolean', default: false } } });
const work = values.work ?? (await mkdtemp(join(tmpdir(), 'atalaya-update-')));
const at = (name: string) => join(work, name);
const say = (words: string) => console.log(`${new Date().toISOString().slice(11, 19)}  ${words}`);

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

async function unitFile({ folder, broker, witness }: UpdateCentre): Promise<string> {
  const { out: said } = await callProgram('audit', ['new-authority', '--out', join(folder, 'authority.txt')]);
  const recipient = /age1[0-9a-z]+/.exec(said)?.[0] ?? '';
  const file = join(folder, 'unit.yaml');
  await writeFile(
    file,
    `unit: { id: ${unit}, site: North gate }
scene: ${configuredScene}
source: { path: ${recording}, pace: timestamps, atEnd: repeat }
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

const tell = (outcome: Outcome): void => outcomeWords(outcome).forEach(say);

const faults: string[] = [];
const expect = (holds: boolean, what: string) => {
  if (!holds) faults.push(what);
};

await mkdir(at('bundles'), { recursive: true });
await makeReleases(work, say);
await layImage(work);
for (const name of ['centre', 'components', 'scenes', 'slots', 'logs'])
  await rm(at(name), { recursive: true, force: true });
const centre = await UpdateCentre.open(at('centre'), [unit]);
if (centre === undefined) {
  console.error('mosquitto is not installed: nothing was shown');
  process.exit(3);
}
await makeComponents(centre);
const scenes: MadeScenes = await makeScenes(at('scenes'), unit);
scenes.refused.forEach(say);
await centre.publish([at('bundles'), at('components'), at('scenes')]);
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

  const campaigns = new Campaigns(centre, watched, unit, at('slots'));
  const { version: runs } = releases.good;
  const given = async (target: string, trial = 3): Promise<Outcome> => {
    const outcome = await campaigns.run({ target, runs, hold: 0.3, trial });
    tell(outcome);
    return outcome;
  };
  const good = await given(bundleName(releases.good));
  expect(good.step === 'confirmed', `${runs} ended as ${good.step}`);
  expect(running.starts === 1, `the manager had to start the unit ${running.starts} times`);

  const components = (await readdir(at('components'))).filter((name) => name.endsWith('.tar.zst'));
  for (const name of components) {
    const one = await given(name.replace(/\.tar\.zst$/, ''));
    expect(one.step === 'confirmed', `${name} ended as ${one.step}`);
  }
  await updateScenes({ centre, watched, campaigns, unit, runs, say, expect }, scenes);
  const parts = watched.heard.findLast(({ topic }) => topic === 'job/versions')?.content.parts ?? [];
  expect(parts.length === 2 + components.length, `the version report names ${parts.length} parts`);

  const blind = await given(bundleName(releases.blind), 1);
  expect(blind.step === 'rolled-back', `the blind program ended as ${blind.step}`);
  expect(
    blind.reasons.some((reason) => /detector/.test(reason)),
    'nobody said that the detector finds nothing',
  );

  const broken = await given(bundleName(releases.broken));
  expect(broken.step === 'rolled-back', `the program that does not start ended as ${broken.step}`);

  const reported = watched.heard.findLast(({ topic }) => topic === 'job/versions')?.content;
  expect(reported?.parts?.[0]?.version === runs, `the version report does not say ${runs}`);
  say(await centre.fleet('updates', 'show', unit));
} catch (error) {
  faults.push(error instanceof Error ? error.message : String(error));
} finally {
  await running.stop();
  await watched.close();
  await centre.close();
}
const evidence = await checkEvidence(centre.folder, unit).catch((error: unknown) => {
  faults.push(String(error));
  return undefined;
});
if (evidence !== undefined) {
  say(
    `evidence: ${evidence.records} entries verify, ${evidence.infractions} infractions and ${evidence.updates} updates archived once, in order`,
  );
  say(
    `  judged by: ${evidence.scenes.map((one) => `${one.infractions} by scene ${one.sha256.slice(0, 8)}`).join(', then ')}`,
  );
  expect(
    evidence.scenes.map(({ sha256 }) => sha256).join() === [scenes.configured, scenes.good.sha256].join(),
    'the records do not show one change of the scene, from that of the configuration to that of the update',
  );
  expect(evidence.infractions > 0 && evidence.updates >= 9, 'infractions or updates are missing in the archive');
}
for (const fault of faults) console.error(`NOT AS IT HAS TO BE: ${fault}`);
if (values.keep || faults.length > 0) console.error(`what it left: ${work}`);
else await rm(work, { recursive: true, force: true });
process.exitCode = faults.length > 0 ? 1 : 0;
