import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import { parseKey } from '../../evidence/verify/keys.ts';
import { verifyStore } from '../../evidence/verify/verify-store.ts';
import { milliseconds } from '../../kernel/units.ts';
import {
  type GivenFile,
  installUnit,
  judgedIn,
  lastWords,
  stateFolder,
  stateOf,
  tellSystemd,
  untilUnit,
} from './guest/installed-unit.ts';
import { readTrace, startTrace } from './guest/kernel-trace.ts';
import type { HardwareCase } from './hardware-case.ts';

/** The program as it stands at a road: its service, its account, its devices; nothing of it is called, everything is seen from outside. */

const picture = { width: 320, height: 180 };
const data = `${stateFolder}/data`;
const config = `${stateFolder}/unit.yaml`;
const wrapped = '/usr/local/bin/ffmpeg-with-a-car';
const car = '/usr/local/share/car.png';
const [beacon, red, green] = [0, 1, 2];
const perMinute = 60_000;

/**
 * vivid draws no vehicles: the parked car of the street is laid over the left of each of its pictures, between the device and the unit, by
 * the very ffmpeg that the unit starts. Everything else that it does is as the unit says.
 */
const wrapper = `#!/bin/sh
count=$#
while [ "$count" -gt 0 ]; do
  word=$1; shift; count=$((count - 1))
  case "$word" in format=yuv420p,*) word="movie=${car}[car];[in][car]overlay=0:0,$word" ;; esac
  set -- "$@" "$word"
done
exec /usr/bin/ffmpeg "$@"
`;

const scene = {
  name: 'bench',
  picture,
  regions: [{ x: 0, y: 0, ...picture }],
  signals: [{ name: 'main', phases: { input: { red: 'red', green: 'green' } } }],
  noStopping: [
    {
      name: 'kerb',
      polygon: [
        [0, 60],
        [200, 60],
        [200, 179],
        [0, 179],
      ],
      allowedS: 1,
    },
  ],
};

const settings = (video: string) => ({
  unit: { id: 'bench-1' },
  scene: `${stateFolder}/scene.yaml`,
  source: {
    ffmpeg: wrapped,
    camera: { kind: 'v4l2', device: video, format: 'yuyv422', ...picture, rate: 5, startS: 120, stallS: 60 },
  },
  detector: { fit: 'letterbox', deadlineS: 120 },
  evidence: { data, clipBeforeS: 1, clipAfterS: 0, ringMegabytes: 8, keepFreeMegabytes: 16, reserveMegabytes: 8 },
  signal: {
    beacon: { onMs: 10 * perMinute },
    deadlineMs: 5000,
    lines: {
      driver: 'gpio',
      outputs: [
        { name: 'beacon', chip: 'bench', line: beacon },
        { name: 'strobe', chip: 'bench', line: 3 },
      ],
      inputs: [
        { name: 'red', chip: 'bench', line: red },
        { name: 'green', chip: 'bench', line: green },
      ],
    },
  },
});

function given(video: string): GivenFile[] {
  return [
    { path: config, content: stringify(settings(video)) },
    { path: `${stateFolder}/scene.yaml`, content: stringify(scene) },
    { path: wrapped, content: wrapper, executable: true },
  ];
}

/** The car that stands at the kerb in every picture of the street. */
function drawCar(tree: string): void {
  const clip = join(tree, 'device/capture/street/street.mjpeg');
  const filter = 'crop=640:360:0:400,scale=320:180,crop=200:180:0:0';
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'mjpeg', '-i', clip, '-frames:v', '1', '-vf', filter, car]);
}

/** `every` ms a look: each one takes instructions, of which the unit then has fewer. */
async function until(what: string, deadline: number, holds: () => boolean, every = 50): Promise<number> {
  const began = performance.now();
  while (!holds()) {
    if (performance.now() - began > deadline) throw new Error(`${what}: not within ${deadline} ms\n${lastWords()}`);
    await wait(every);
  }
  return performance.now() - began;
}

const watchdog = (): string => readFileSync('/sys/class/watchdog/watchdog0/state', 'utf8').trim();
const now = (): number => Number(process.hrtime.bigint()) / 1e9;
const seconds = (ms: number): string => (ms / 1000).toFixed(1);

export const cases: readonly HardwareCase[] = [
  {
    name: 'the service watches its camera, sees red, seals an infraction, lights the beacon, feeds the watchdog; killed, it leaves the beacon dark',
    deadline: milliseconds(5 * perMinute),
    timed: true,
    run: async ({ gpio, tree, video, note }) => {
      drawCar(tree);
      installUnit(tree, config, given(video));
      const chip = await gpio('bench', 4);
      assert.ok(chip.base !== undefined);
      const line = chip.base + beacon;
      const written = (from: number) =>
        readTrace().flatMap((one) => (one.kind === 'line' && one.line === line && one.at >= from ? [one] : []));
      const fed = (from: number) =>
        readTrace().filter((one) => one.kind === 'watchdog' && one.what !== 'stop' && one.at >= from).length;
      startTrace();

      const began = performance.now();
      tellSystemd('start');
      await untilUnit('the service is ready', perMinute, ({ ActiveState }) => ActiveState === 'active');
      note(`ready ${seconds(performance.now() - began)} s after it was started`);
      const lit = await until('an infraction lights the beacon', 2 * perMinute, () => chip.value(beacon));
      const first = stateOf();
      note(`a parked car is accused and the beacon lit ${seconds(lit)} s later`);
      await until('the watchdog is armed and fed', 30_000, () => watchdog() === 'active' && fed(0) > 0, 500);

      const killed = now();
      process.kill(Number(first.MainPID), 'SIGKILL');
      const dark = await until('the dark beacon', 5000, () => !chip.value(beacon), 1);
      await wait(200);
      const [on] = written(0).filter(({ level }) => level);
      assert.ok(on !== undefined, 'the kernel saw the beacon lit');
      const [off] = written(killed);
      // gpio-sim lets a line that nobody holds fall back; most chips leave it as it was. So it counts who wrote to it.
      assert.ok(
        off !== undefined && !off.level,
        `the line is dark ${dark.toFixed(0)} ms after SIGKILL since the chip let it fall: nobody made it safe, and on most chips it would be lit still`,
      );
      note(`made safe ${((off.at - killed) * 1000).toFixed(0)} ms after SIGKILL, by the kernel's own word`);
      assert.equal(watchdog(), 'active', 'it stays armed while nobody feeds it');
      const again = await untilUnit(
        'it is started again',
        perMinute,
        ({ NRestarts, ActiveState }) => NRestarts === '1' && ActiveState === 'active',
      );
      assert.notEqual(again.MainPID, first.MainPID);
      note(`started again by systemd and ready ${(now() - killed).toFixed(1)} s after the kill`);

      chip.pull(green, true);
      const seen = await untilUnit('frames under green', perMinute, (state) => judgedIn(state) >= 4);
      chip.pull(green, false);
      chip.pull(red, true);
      await untilUnit('frames under red', perMinute, (state) => judgedIn(state) >= judgedIn(seen) + 4);
      note('frames judged under green and under red');
      await until('the second infraction lights it again', perMinute, () => chip.value(beacon));
      const feeding = now();
      await until('the watchdog is fed again', 30_000, () => fed(feeding) > 0, 500);

      const stopping = performance.now();
      tellSystemd('stop');
      const ended = await untilUnit(
        'it ends',
        30_000,
        ({ ActiveState }) => ActiveState === 'inactive' || ActiveState === 'failed',
      );
      note(`stopped after ${seconds(performance.now() - stopping)} s: ${ended.Result}`);
      assert.deepEqual(
        [ended.ActiveState, ended.Result, ended.ExecMainStatus],
        ['inactive', 'success', '0'],
        lastWords(),
      );
      assert.equal(chip.value(beacon), false);
      assert.equal(watchdog(), 'inactive');
      const report = readFileSync(join(data, 'report.html'), 'utf8');
      for (const phase of ['green', 'red']) assert.match(report, new RegExp(`main: ${phase} from`));
      await checkSealed(note);
      note(`the watchdog was fed ${fed(0)} times`);
    },
  },
];

/** By the auditor's verifier, against the key that the unit made for itself. */
async function checkSealed(note: (text: string) => void): Promise<void> {
  const own = readFileSync(join(data, 'signing-key.pem'), 'utf8');
  const key = parseKey(createPublicKey(own).export({ format: 'pem', type: 'spki' }).toString());
  const { ok, findings, counts } = await verifyStore(join(data, 'evidence'), { key });
  assert.ok(ok, findings.map(({ says }) => says).join('; '));
  assert.ok(counts.records >= 2, `${counts.records} records`);
  note(`the auditor's verifier: whole, ${counts.records} records of both starts`);
}
