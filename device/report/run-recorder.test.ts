import { join } from 'node:path';
import test from 'ava';
import type { Frame } from '../capture/frame.ts';
import { fraction } from '../kernel/units.ts';
import { loadScene } from '../scene/load-scene.ts';
import type { Track } from '../track/track.ts';
import { RunRecorder } from './run-recorder.ts';
import { timeOf } from './sample-run.fixture.ts';

const scene = await loadScene(join(import.meta.dirname, '..', 'scene', 'examples', 'street.yaml'));

test('a track without a speed says whether the scene is not calibrated or nothing was measured', (t) => {
  const point = {
    frame: 0,
    time: timeOf(0),
    box: { x: 1, y: 1, width: 9, height: 9 },
    score: fraction(1),
    measured: true,
  };
  const track: Track = { id: 1, class: 'car', votes: new Map([['car', 1]]), status: 'confirmed', points: [point] };
  const data = new Uint8Array(300);
  const frame: Frame = {
    sequence: 0,
    time: timeOf(0),
    picture: { format: 'rgb24', width: 10, height: 10, data },
    original: undefined,
  };
  t.not(scene.ground, undefined);
  for (const [ground, reason] of [
    [scene.ground, 'nothing was measured'],
    [undefined, 'the scene is not calibrated'],
  ] as const) {
    const phases = { phaseAt: () => ({ known: false, reason: 'none' }) as never };
    const recorder = new RunRecorder({ ...scene, ground }, phases, () => 0);
    recorder.captured(frame);
    recorder.processed(frame, [], { live: [track], ended: [] });
    t.deepEqual(recorder.finish().tracks[0]?.speed, { stated: false, reason });
  }
});

test('alerts are counted', (t) => {
  const recorder = new RunRecorder(scene, { phaseAt: () => ({ known: false, reason: 'none' }) as never }, () => 0);
  t.is(recorder.counts.alerts, 0);
  recorder.alerted();
  recorder.alerted();
  t.is(recorder.finish().counts.alerts, 2);
});
