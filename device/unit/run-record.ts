import type { CameraInfo } from '../capture/camera.ts';
import type { Config } from '../config/config-schema.ts';
import type { WorkerDetector } from '../detect/worker-detector.ts';
import type { Provenance } from '../evidence/record/record.ts';
import type { UtcMilliseconds } from '../kernel/units.ts';
import type { RunOutcome, RunRecord } from '../report/run-record.ts';
import type { RunRecorder } from '../report/run-recorder.ts';
import type { Scene } from '../scene/scene.ts';
import { version } from '../version.ts';
import { shown } from './opening.ts';
import type { UnitPlates } from './plates.ts';
import type { WatchFacts } from './remote/unit-remote.ts';

export interface FinishedRun {
  readonly info: CameraInfo;
  readonly scene: Scene;
  readonly started: UtcMilliseconds;
  readonly ended: UtcMilliseconds;
  readonly outcome: RunOutcome;
  readonly recorder: RunRecorder;
  readonly detector: Pick<WorkerDetector, 'model' | 'engine'>;
  readonly sceneSha256: string;
  readonly configSha256: string;
}

/** What a run came to, for its report: what it watched, what it saw, by which versions. */
export function runRecordOf({ info, scene, recorder, detector, ...run }: FinishedRun): RunRecord {
  const { started, ended, outcome, sceneSha256, configSha256 } = run;
  return {
    source: { name: shown(info.name), width: info.width, height: info.height },
    scene: {
      name: scene.name,
      lanes: scene.lanes.map(({ name, limit }) => ({ name, limitKmh: limit ?? scene.speed?.limit })),
      lines: scene.countingLines.map(({ name }) => name),
    },
    ...{ started, ended, outcome },
    ...recorder.finish(),
    versions: {
      software: version,
      runtime: process.version,
      model: { ...detector.model, engine: detector.engine },
      sceneSha256,
      configSha256,
    },
  };
}

/** Figures of the work so far, for telemetry. */
export function pipelineFigures(recorder: RunRecorder, plates: UnitPlates): ReturnType<WatchFacts['pipeline']> {
  const { processed, skipped, damaged, tracksLive, detections, infractions, lost } = recorder.counts;
  const vehicles = plates.counts?.vehicles;
  return {
    framesProcessed: processed,
    framesSkipped: skipped,
    framesDamaged: damaged,
    tracksLive,
    detections,
    infractions,
    lost,
    ...(vehicles === undefined
      ? {}
      : { platesRead: vehicles.read, platesUnread: [...vehicles.unread.values()].reduce((sum, one) => sum + one, 0) }),
  };
}

/** Where the unit stands, as its evidence names it. */
export function siteOf({ unit: { id, site, direction } }: Config): Provenance['site'] {
  return { id, name: site || id, ...(direction === undefined ? {} : { direction }) };
}
