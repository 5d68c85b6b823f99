import { join } from 'node:path';
import type { CaptureTime } from '../../../capture/frame.ts';
import { recordingClock } from '../../../capture/frame-times.ts';
import type { Box, Detection } from '../../../detect/detection.ts';
import type { Infraction } from '../../../judge/infraction.ts';
import { Judge, type Judged } from '../../../judge/judge.ts';
import type { RawData } from '../../../judge/raw-data.ts';
import { rawRecordOf } from '../../../judge/raw-record.ts';
import { SchedulePhases } from '../../../judge/schedule-phase.ts';
import { fraction, milliseconds, toIso, utcMilliseconds } from '../../../kernel/units.ts';
import { loadTruth } from '../../../report/truth-schema.ts';
import { calibrationRecordOf } from '../../../scene/calibration-record.ts';
import { loadScene } from '../../../scene/load-scene.ts';
import type { Scene } from '../../../scene/scene.ts';
import { randomNumbers } from '../../../scene/testing/camera.ts';
import { defaultTrackerConfig } from '../../../track/config.ts';
import { Tracker } from '../../../track/tracker.ts';
import type { RederivableRecord } from '../rederivable.ts';

/** What a record says of an accusation, as plain data; the rest of a record bears on no figure. */
export function recordOf(
  { rule, frame, time, track, class: kind, lane, box, measured, findings }: Infraction,
  raw: RawData,
  scene: Scene,
  boxOvershoot: number,
): RederivableRecord {
  const { synchronised, dated } = time.clock;
  return {
    infraction: {
      rule,
      frame,
      time: { utc: toIso(time.utc), elapsedMs: time.elapsed, clock: { synchronised, dated } },
      track,
      class: kind,
      lane: lane ?? null,
      box,
      measured,
      findings,
    },
    auxiliary: { ...rawRecordOf(raw), calibration: calibrationRecordOf(scene, boxOvershoot) },
  };
}

const device = join(import.meta.dirname, '../../..');

/** Another calibration of the street, and where its camera then sees a box. */
export interface OtherView {
  readonly scene: Scene;
  readonly seen: (box: Box) => Box;
}

/** The street's true boxes with a detector's noise, tracked and judged as the unit does it; one record for each accusation. */
export async function streetRecords(
  boxOvershoot: number,
  seed: number,
  view?: OtherView,
): Promise<readonly RederivableRecord[]> {
  const scene = view?.scene ?? (await loadScene(join(device, 'scene/examples/street.yaml')));
  const { vehicles, frameRate } = await loadTruth(join(device, 'capture/street/truth.json'));
  const random = randomNumbers(seed);
  const tracker = new Tracker(defaultTrackerConfig);
  const judge = new Judge({ scene, phases: new SchedulePhases(scene.signals), boxOvershoot });
  const records: RederivableRecord[] = [];
  const keep = ({ infractions, raw }: Judged): void => {
    for (const infraction of infractions) {
      const data = raw.get(infraction);
      if (data !== undefined) records.push(recordOf(infraction, data, scene, boxOvershoot));
    }
  };
  const frames = Math.max(...vehicles.flatMap(({ boxes }) => [...boxes.keys()])) + 1;
  let time: CaptureTime = timeAt(0);
  for (let sequence = 0; sequence < frames; sequence += 1) {
    time = timeAt((sequence * 1000) / frameRate);
    const found = vehicles.flatMap(({ boxes, class: kind }): Detection[] => {
      const real = boxes.get(sequence);
      const box = real === undefined ? undefined : (view?.seen(real) ?? real);
      if (box === undefined || random.uniform() < 0.03) return [];
      const noise = (size: number): number => 0.008 * size * random.normal();
      const [width, height] = [box.width + noise(box.width), box.height * (1 + boxOvershoot) + noise(box.height)];
      const noisy = { x: box.x + noise(box.width), y: box.y + noise(box.height), width, height };
      return [{ box: noisy, class: kind, score: fraction(0.6 + 0.3 * random.uniform()) }];
    });
    keep(judge.observe(tracker.update({ sequence, time, picture: scene.picture }, found), time));
  }
  keep(judge.finish(time));
  return records;
}

const timeAt = (elapsed: number): CaptureTime => ({
  utc: utcMilliseconds(Date.UTC(2026, 5, 1, 8) + elapsed),
  elapsed: milliseconds(elapsed),
  clock: recordingClock,
});
