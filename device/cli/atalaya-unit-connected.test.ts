import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { makePki } from '../../cloud-bridge/testing/make-pki.ts';
import { startMosquitto } from '../../cloud-bridge/testing/start-mosquitto.ts';
import { makeJpegs, writeMjpeg } from '../capture/testing/made-recordings.ts';
import { until } from '../testing/until.ts';

/** The program as a newcomer meets it who has put the wrong file in a place, and as one who plays a clip. */

const program = fileURLToPath(new URL('./atalaya-unit.ts', import.meta.url));
const scene = 'name: made\npicture: { width: 320, height: 180 }\nregions: [{ x: 0, y: 0, width: 320, height: 180 }]\n';

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const heard = { said: '', complained: '' };
  child.stdout.on('data', (chunk) => {
    heard.said += chunk;
  });
  child.stderr.on('data', (chunk) => {
    heard.complained += chunk;
  });
  return { child, heard, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, ...heard })) };
}

async function placeOf(t: ExecutionContext) {
  const folder = await mkdtemp(join(tmpdir(), 'unit-connected-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const times = Array.from({ length: 8 }, (_, i) => i * 40);
  const source = await writeMjpeg(await makeJpegs(8, 320, 180), times);
  await writeFile(join(folder, 'scene.yaml'), scene);
  const pki = await makePki(join(folder, 'pki'));
  const file = join(folder, 'unit.yaml');
  const write = (url: string, more = '') =>
    writeFile(
      file,
      `unit: { id: north-1 }
source: { path: ${source}, atEnd: stay }
scene: scene.yaml
plates: { read: false }
evidence: { data: data }
cloud: { broker: '${url}', ca: pki/ca.pem, cert: unit.pem, key: unit.key }
log: { folder: logs }
${more}`,
    );
  const give = async (cert: Buffer, key: Buffer) => {
    await writeFile(join(folder, 'unit.pem'), cert);
    await writeFile(join(folder, 'unit.key'), key);
  };
  return { folder, pki, write, give, args: ['run', '--config', file] };
}

test("another unit's certificate and another's key end the program before it watches, with what to do", async (t) => {
  const { folder, pki, write, give, args } = await placeOf(t);
  await write('mqtts://127.0.0.1:9');
  const [own, other] = [await pki.issue('north-1'), await pki.issue('north-2')];
  for (const [cert, key, words] of [
    [other.cert, other.key, 'it is for "north-2", not for north-1'],
    [own.cert, other.key, 'the private key is not the one that it was issued for'],
  ] as const) {
    await give(cert, key);
    const { code, said, complained } = await start(args).ended;
    t.is(code, 2, complained);
    t.true(complained.startsWith('config-invalid: the certificate of the unit, '), complained);
    t.true(complained.includes(words), complained);
    t.regex(complained, /\n {2}Put the files in place that were issued to north-1: /);
    t.false(said.includes('detector'), 'nothing was opened');
    t.false(existsSync(join(folder, 'data/evidence')));
  }
});

test('a unit stays reachable after its recording, says so, and its stop is no fault', async (t) => {
  const { folder, pki, write, give, args } = await placeOf(t);
  const broker = await startMosquitto({ pki });
  if (broker === undefined) {
    t.log('mosquitto is not installed: passed over');
    t.pass();
    return;
  }
  t.teardown(() => broker.stop());
  await write(broker.url);
  const { cert, key } = await pki.issue('north-1');
  await give(cert, key);
  const { child, heard, ended } = start(args);
  t.teardown(() => child.kill('SIGKILL'));
  await until('it is connected', () => heard.said.includes('link: connected to the broker, MQTT 5'));
  await until('the source has ended', () => heard.said.includes('the source has ended: nothing more is seen'));
  await new Promise((resolve) => setTimeout(resolve, 2500));
  t.is(child.exitCode, null, 'it is still there');
  child.kill('SIGTERM');
  const { code, said, complained } = await ended;
  t.is(code, 0, complained);
  t.is(complained.trim(), 'SIGTERM: finishing what was seen; again to stop at once');
  t.notRegex(said, /lost|not reached|link-down/);
  const log = await readFile(join(folder, 'logs', (await logOf(folder)) ?? ''), 'utf8');
  t.notRegex(log, /the broker cannot be reached|broker is lost/);
});

async function logOf(folder: string): Promise<string | undefined> {
  return (await readdir(join(folder, 'logs'))).find((name) => name.startsWith('app-'));
}
