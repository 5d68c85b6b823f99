import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { stringify } from 'yaml';
import { makePki } from '../../cloud-bridge/testing/make-pki.ts';
import { makeJpeg, writeMjpeg } from '../capture/testing/made-recordings.ts';
import { EvidenceStore } from '../evidence/evidence-store.ts';
import { FileKeystore } from '../evidence/keystore/file-keystore.ts';
import { createIdentity } from '../evidence/sealing/identity.ts';
import { onDisk } from '../evidence/testing/stores.ts';
import { type SelfTestReport, selfTestReport } from '../selftest/contract/self-test-report.ts';

/** The program as a technician calls it, on a unit that runs and on one that does not. */

const program = fileURLToPath(new URL('./atalaya-unit.ts', import.meta.url));
const street = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

interface Call {
  readonly code: number | null;
  readonly said: string;
  readonly complained: string;
}

function start(args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Call> } {
  const env = { ...process.env, COLUMNS: '46' };
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const heard = { said: '', complained: '' };
  child.stdout?.on('data', (chunk) => {
    heard.said += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    heard.complained += chunk;
  });
  return { child, ended: once(child, 'close').then(([code]) => ({ code, ...heard })) };
}

const call = (...args: readonly string[]): Promise<Call> => start(args).ended;

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'selftest-cli-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

const scene = 'name: made\npicture: { width: 320, height: 180 }\nregions: [{ x: 0, y: 0, width: 320, height: 180 }]\n';

/** A unit's folder: its configuration, its scene, and its data in `data`. */
async function unitIn(t: ExecutionContext, more: Readonly<Record<string, unknown>> = {}) {
  const home = await folder(t);
  const at = (name: string) => join(home, name);
  await writeFile(at('scene.yaml'), scene);
  const { evidence = {}, ...others } = more;
  await writeFile(
    at('unit.yaml'),
    stringify({
      unit: { id: 'unit-7' },
      scene: 'scene.yaml',
      evidence: { data: 'data', ...Object(evidence) },
      ...others,
    }),
  );
  return { at, config: at('unit.yaml') };
}

const codesOf = (report: SelfTestReport, ...checks: readonly string[]) =>
  report.findings.filter(({ check }) => checks.includes(check)).map(({ code }) => code);

const reportIn = (call: Call): SelfTestReport => selfTestReport.parse(JSON.parse(call.said));

test('the street, sealed and verified; a broker that is away and a certificate that has ended', async (t) => {
  const home = await folder(t);
  const pki = await makePki(join(home, 'pki'));
  const issued = await pki.issue('street-7', { expired: true });
  const { recipient } = await createIdentity();
  await Promise.all((['ca', 'cert', 'key'] as const).map((name) => writeFile(join(home, name), issued[name])));
  const config = join(home, 'unit.yaml');
  await writeFile(
    config,
    stringify({
      unit: { id: 'street-7', site: 'The street' },
      scene: street('scene/examples/street.yaml'),
      source: { path: street('capture/street/street.mjpeg'), pace: 'timestamps' },
      evidence: { data: 'data', authority: [recipient] },
      cloud: { broker: 'mqtts://localhost:1', ca: 'ca', cert: 'cert', key: 'key' },
    }),
  );
  const out = join(home, 'report.json');
  const tested = await call('selftest', '--config', config, '--seal', '--out', out);
  t.is(tested.code, 1, tested.complained);
  t.regex(tested.complained, /no unit runs here/);
  const report = selfTestReport.parse(JSON.parse(await readFile(out, 'utf8')));
  t.like(report, { unit: 'street-7', site: 'The street', asked: 'selftest', outcome: 'failed' });
  t.like(report.scene, { name: 'street', calibrated: true });
  t.deepEqual(codesOf(report, 'camera', 'focus', 'exposure', 'place', 'lines', 'evidence', 'broker', 'certificate'), [
    'camera-good',
    'focus-good',
    'exposure-good',
    'place-no-references',
    'lines-simulated',
    'broker-unreachable',
    'certificate-expired',
    'certificate-good',
    'evidence-good',
  ]);
  const detector = report.findings.find(({ check }) => check === 'detector');
  t.like(detector?.figures[1], { name: 'vehicles found', value: 4, least: 4 });
  t.deepEqual(report.evidence, { sequence: 1, id: 'street-7-000000001' });
  for (const line of tested.said.split('\n')) t.true(line.length <= 46, line);

  const doctor = await call('doctor', '--report', out);
  t.is(doctor.code, 1);
  t.regex(doctor.said, /FAILED certificate of the unit\n\(certificate-expired\)/);
  t.regex(doctor.said.replaceAll(/\s+/g, ' '), /1\. Look at the clock first: a wrong date ends any certificate\./);
  for (const line of doctor.said.split('\n')) t.true(line.length <= 46, line);
});

test('a covered lens is found as what it is, and a mere look leaves no key and no ledger', async (t) => {
  const background = { r: 6, g: 5, b: 7 };
  const flat = await sharp({ create: { width: 320, height: 180, channels: 3, background } })
    .jpeg()
    .toBuffer();
  const source = await writeMjpeg(Array.from({ length: 30 }, () => flat));
  const { at, config } = await unitIn(t, { source: { path: source } });
  const tested = await call('selftest', '--config', config, '--json');
  t.is(tested.code, 1, tested.complained);
  const report = reportIn(tested);
  t.deepEqual(codesOf(report, 'camera', 'focus', 'exposure', 'evidence'), [
    'camera-covered',
    'picture-untold',
    'picture-untold',
    'evidence-not-asked',
  ]);
  t.is(report.evidence, undefined);
  t.deepEqual(await readdir(at('data')), []);
});

test('no camera: said in time, with everything else tested', async (t) => {
  const camera = { kind: 'v4l2', device: '/dev/video-none', width: 320, height: 180, startS: 60, stallS: 1 };
  const { config } = await unitIn(t, { source: { camera } });
  const tested = await call('selftest', '--config', config, '--json');
  t.is(tested.code, 1, tested.complained);
  const report = reportIn(tested);
  t.deepEqual(codesOf(report, 'camera', 'focus'), ['camera-unavailable', 'picture-untold']);
  t.true(codesOf(report, 'detector').every((code) => code !== 'detector-failed'));
  const [finding] = report.findings;
  t.regex(finding?.says ?? '', /^there is no device \/dev\/video-none\. Plug the camera in/);
});

test('lines that the configuration does not name are said in the words of the run', async (t) => {
  const { config } = await unitIn(t, {
    source: { path: 'none.mjpeg' },
    signal: { lines: { driver: 'gpio' } },
  });
  const report = reportIn(await call('selftest', '--config', config, '--json'));
  const [lines] = report.findings.filter(({ check }) => check === 'lines');
  t.like(lines, { code: 'lines-unavailable', outcome: 'failed' });
  t.regex(
    lines?.says ?? '',
    /`signal\.lines\.outputs` says of no wire that it is beacon or strobe\. Add it with its chip/,
  );
});

test('a store that another process has, and calls that are wrong', async (t) => {
  const { at, config } = await unitIn(t, { source: { path: 'made.mjpeg' } });
  await mkdir(at('data'));
  const keystore = await FileKeystore.openOrCreate(at('data/signing-key.pem'));
  const store = await EvidenceStore.open(at('data/evidence'), onDisk({ unit: 'unit-7', keystore }));
  const locked = await call('selftest', '--config', config);
  await store.close();
  t.is(locked.code, 2);
  t.regex(locked.complained, /store-locked: .*\n {2}A unit runs here and did not answer: .*self-test unit-7 --wait/);
  await writeFile(at('odd.json'), '{"schema":"other"}');
  await writeFile(at('cut.json'), '{"schema":"atalaya/self-test/1"}');
  const [odd, cut, none, flag] = await Promise.all([
    call('doctor', '--report', at('odd.json')),
    call('doctor', '--report', at('cut.json')),
    call('doctor', '--report', at('none.json')),
    call('selftest', '--pules', 'beacon'),
  ]);
  t.deepEqual([odd.code, cut.code, none.code, flag.code], [2, 2, 2, 2]);
  t.regex(
    odd.complained,
    /^usage-invalid: \S+odd\.json is no report of a self-test\n {2}Make one .*selftest --out report\.json.*\n$/,
  );
  t.regex(cut.complained, /cut\.json is not valid:\n {2}unit: /);
  t.regex(none.complained, /none\.json cannot be read\n {2}Give the file that `atalaya-unit selftest --out`/);
});

test('a unit that runs is asked, and goes on', async (t) => {
  const pictures = await Promise.all([40, 90, 140].map((level) => makeJpeg(level, 320, 180)));
  const source = await writeMjpeg(
    Array.from({ length: 20 }, (_, i) => pictures[i % 3] as Buffer),
    Array.from({ length: 20 }, (_, i) => i * 100),
  );
  // Two seconds, again and again: whenever it is tested, something is seen.
  const { config } = await unitIn(t, { source: { path: source, pace: 'timestamps', atEnd: 'repeat' } });
  const unit = start(['run', '--config', config]);
  t.teardown(() => unit.child.kill('SIGKILL'));
  await new Promise<void>((resolve) => {
    unit.child.stdout?.on('data', (chunk) => {
      if (/scene made/.test(String(chunk))) resolve();
    });
    void unit.ended.then(() => resolve());
  });
  const tested = await call('selftest', '--config', config, '--json', '--seal', '--pulse', 'beacon');
  t.regex(tested.complained, /asking the unit that runs here/);
  const report = reportIn(tested);
  t.true(codesOf(report, 'camera').join() === 'camera-good', JSON.stringify(report.findings[0]));
  t.deepEqual(codesOf(report, 'lines', 'evidence'), ['lines-simulated', 'evidence-no-authority']);
  unit.child.kill('SIGINT');
  t.is((await unit.ended).code, 0);
});
