import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { freePort } from '../../cloud-bridge/testing/free-port.ts';
import { made, makeStandIns } from '../capture/process/testing/stand-ins.ts';
import { sleep } from '../kernel/clock.ts';
import { milliseconds } from '../kernel/units.ts';

const program = fileURLToPath(new URL('./atalaya-unit.ts', import.meta.url));

/** A unit that is started before its camera is there: it has to be reachable meanwhile, and to go on without being started again. */
test('a camera that is not there at the start is waited for, in the open', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'unit-camera-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const gone = { refuse: 'ERROR: *** no cameras available ***' };
  const { path, starts } = await makeStandIns(['rpicam-vid'], [gone, gone, gone, gone, {}]);
  const { width, height } = made;
  const port = await freePort();
  await writeFile(join(folder, 'scene.yaml'), `name: made\npicture: { width: ${width}, height: ${height} }\n`);
  await writeFile(
    join(folder, 'unit.yaml'),
    `unit: { id: north-1 }
source: { camera: { kind: rpicam-vid, width: ${width}, height: ${height}, rate: 10 } }
scene: scene.yaml
plates: { read: false }
evidence: { data: data }
status: { listen: '127.0.0.1:${port}' }
`,
  );
  const child = spawn(process.execPath, [program, 'run', '--config', join(folder, 'unit.yaml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: path },
  });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const ended = once(child, 'close');

  const camera = async (): Promise<string | undefined> => {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
    if (answer === undefined) return undefined;
    const { probes } = (await answer.json()) as { probes: { camera: { detail: string } } };
    return probes.camera.detail;
  };
  const seen = async (what: string, holds: (detail: string) => boolean) => {
    for (const end = performance.now() + 60_000; performance.now() < end; await sleep(milliseconds(100))) {
      const detail = await camera();
      if (detail !== undefined && holds(detail)) return detail;
    }
    throw new Error(`not within a minute: ${what}; it said:\n${said}`);
  };
  const waiting = await seen('healthz answers', () => true);
  t.true((await starts('rpicam-vid')).length < 5, 'before the camera is there');
  t.regex(waiting, /^no frame /);
  await seen('frames come', (detail) => /^newest frame/.test(detail));
  t.regex(said, /the machine sees no such camera/);
  child.kill('SIGTERM');
  t.deepEqual(await ended, [0, null], said);
});
