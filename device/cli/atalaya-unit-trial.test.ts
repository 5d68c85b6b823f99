import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { startMosquitto } from '../../cloud-bridge/testing/start-mosquitto.ts';
import { makeJpegs, writeMjpeg } from '../capture/testing/made-recordings.ts';
import { systemClock } from '../kernel/clock.ts';
import { makeTrustFiles } from '../testing/trust-files.ts';
import { openUnitConfig } from '../unit/remote/config.ts';
import { settle } from '../unit/settings.ts';

/** A configuration on trial with which the program cannot even be opened: what a unit at a road does, to which nobody comes. */

const program = fileURLToPath(new URL('./atalaya-unit.ts', import.meta.url));
const scene = 'name: made\npicture: { width: 320, height: 180 }\nregions: [{ x: 0, y: 0, width: 320, height: 180 }]\n';

/** A bundle that is on this machine, as the unit's facts say, and is none of a detector. */
const notADetector = 'plate-reader-ppocr-v4-int8';

function start(args: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const heard = { said: '', complained: '' };
  child.stdout?.on('data', (chunk) => {
    heard.said += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    heard.complained += chunk;
  });
  return { child, heard, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, ...heard })) };
}

/** A unit on whose disk a document waits for its first start. */
async function unitOnTrial(t: ExecutionContext, picture = '320x180') {
  const folder = await mkdtemp(join(tmpdir(), 'unit-trial-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { cloud, desired } = await makeTrustFiles(folder);
  const [width = 0, height = 0] = picture.split('x').map(Number);
  const times = Array.from({ length: 8 }, (_, i) => i * 40);
  const source = await writeMjpeg(await makeJpegs(8, width, height), times);
  await writeFile(join(folder, 'scene.yaml'), scene);
  const config = join(folder, 'unit.yaml');
  await writeFile(
    config,
    `unit: { id: unit-7 }
source: { path: ${source} }
scene: scene.yaml
evidence: { data: data }
cloud: { trust: ${cloud.trust}, rootKey: ${cloud.rootKey} }
`,
  );
  const { config: base } = await settle({ config });
  const before = await openUnitConfig(base, base.scene, systemClock);
  await before.begin({
    apply: async () => {},
    probe: () => ({ brokerReached: false, framesSeen: false, evidenceSealed: false }),
    prove: async () => {},
    report: () => {},
    audit: async () => {},
    problem: (fault) => {
      throw fault;
    },
  });
  await before.desired(await desired(1, { detector: { bundle: notADetector } }));
  await before.close();
  t.is(before.reported()?.outcome, 'accepted', before.reported()?.reasons.join());
  const state = async () => JSON.parse(await readFile(join(folder, 'data/config/state.json'), 'utf8')).state;
  t.is((await state()).trial.version, 1);
  return { folder, args: ['run', '--config', config], state };
}

test('a configuration with which the program cannot be opened is given back by itself, and the unit goes on watching', async (t) => {
  const { folder, args, state } = await unitOnTrial(t);
  const { code, said, complained } = await start(args).ended;
  t.is(code, 0, complained);
  t.is(complained.match(/^bundle-\S+: /gm)?.length, 3, complained);
  t.is(complained.match(/^beginning anew$/gm)?.length, 3);
  t.regex(said, /8 frames/, 'the source was watched with what was confirmed');
  const { trial, last } = await state();
  t.is(trial, null);
  t.is(last.outcome, 'rolled-back');
  t.regex(last.reasons.join(), /^boots-used-up: .*3 times.*: bundle-/);
  const evidence = join(folder, 'data/evidence');
  const [journal] = (await readdir(evidence, { recursive: true })).filter((name) => /journal\/\d+/.test(name));
  t.regex(
    await readFile(join(evidence, journal ?? 'journal'), 'latin1'),
    /"outcome":"rolled-back"/,
    'in the audit log',
  );
});

test('where the unit itself is at fault the trial is given back all the same, and the fault is the last word', async (t) => {
  const { args, state } = await unitOnTrial(t, '160x160');
  const { code, complained } = await start(args).ended;
  t.is(code, 2, complained);
  t.is(complained.match(/^scene-mismatch: /gm)?.length, 4, complained);
  t.is(complained.match(/^beginning anew$/gm)?.length, 3);
  t.is((await state()).last.outcome, 'rolled-back');
});

test('Ctrl-C between two starts ends it at once', async (t) => {
  const { args, state } = await unitOnTrial(t);
  const { child, heard, ended } = start(args);
  while (!heard.complained.includes('beginning anew')) await once(child.stderr as NodeJS.ReadableStream, 'data');
  const asked = performance.now();
  child.kill('SIGINT');
  const { code, complained } = await ended;
  t.is(code, 0, complained);
  t.true(performance.now() - asked < 3000);
  t.is(complained.match(/^beginning anew$/gm)?.length, 1);
  t.is((await state()).trial.version, 1, 'it goes on with the next start');
});

test('a unit with a broker takes leave of it before its evidence is closed: nothing goes wrong at its end', async (t) => {
  const broker = await startMosquitto();
  if (broker === undefined) {
    t.log('mosquitto is not installed: passed over');
    t.pass();
    return;
  }
  t.teardown(() => broker.stop());
  const folder = await mkdtemp(join(tmpdir(), 'unit-leave-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const times = Array.from({ length: 30 }, (_, i) => i * 40);
  const source = await writeMjpeg(await makeJpegs(30, 320, 180), times);
  await writeFile(join(folder, 'scene.yaml'), scene);
  const config = join(folder, 'unit.yaml');
  await mkdir(join(folder, 'logs'));
  await writeFile(
    config,
    `unit: { id: unit-7 }
source: { path: ${source} }
scene: scene.yaml
evidence: { data: data }
cloud: { broker: '${broker.url}' }
log: { folder: logs }
flags: { sendTelemetry: false }
`,
  );
  const { code, said, complained } = await start(['run', '--config', config]).ended;
  t.is(code, 0, complained);
  t.notRegex(`${said}${complained}`, /store-closed|internal:/);
  for (const name of await readdir(join(folder, 'logs'))) {
    t.notRegex(await readFile(join(folder, 'logs', name), 'utf8'), /store-closed|"code":"internal"/);
  }
});
