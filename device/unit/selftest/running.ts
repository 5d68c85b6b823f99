import type { CameraInfo } from '../../capture/camera.ts';
import type { FrameRing } from '../../capture/frame-ring.ts';
import type { Config } from '../../config/config-schema.ts';
import type { Detector } from '../../detect/detector.ts';
import type { BystanderMemory } from '../../evidence/pictures/bystander-memory.ts';
import { SysteminformationMachine } from '../../health/systeminformation-machine.ts';
import type { JsonValue } from '../../kernel/canonical-json.ts';
import { systemFiles } from '../../kernel/files.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { judgesNothing, type Scene } from '../../scene/scene.ts';
import type { BrokerFacts } from '../../selftest/facts.ts';
import { version } from '../../version.ts';
import type { UnitEvidence } from '../evidence.ts';
import { headsOf } from '../lines.ts';
import type { Signals } from '../signals.ts';
import { type CaptureCount, nominalRate } from './camera.ts';
import { type SelfTestParts, UnitSelfTest } from './unit-selftest.ts';

/** What a unit at work is tested by: everything that it has open, shared with its work. */
export interface RunningParts {
  readonly config: () => Config;
  readonly configSha256: () => string;
  readonly boot: string;
  readonly capture: CaptureCount;
  readonly info: CameraInfo;
  readonly ring: FrameRing;
  readonly bystanders: BystanderMemory;
  readonly scene: Scene;
  readonly references: string | undefined;
  readonly sceneSha256: string;
  readonly detector: Pick<Detector, 'detect'>;
  readonly signals: Pick<Signals, 'activity'>;
  readonly evidence: UnitEvidence;
  readonly link: () => BrokerFacts;
  readonly clock: SelfTestParts['clock'];
}

/** Makes a running unit testable: by the centre through what is returned, and at the unit itself through its desk. */
export function openSelfTest(parts: RunningParts): UnitSelfTest {
  const { config, configSha256, boot, capture, info, scene, sceneSha256, evidence, clock } = parts;
  const { data } = config().evidence;
  const { name, picture, ground, regions } = scene;
  const isWired = config().signal.lines.driver !== 'simulated';
  const selfTest = new UnitSelfTest({
    config,
    head: () => ({
      unit: config().unit.id,
      site: config().unit.site,
      program: version,
      boot,
      scene: { name, sha256: sceneSha256, calibrated: ground !== undefined },
      configuration: configSha256(),
    }),
    camera: () =>
      capture.look({ clock, timer: systemTimer, nominal: nominalRate(config()), size: info, scene: picture }),
    picture: parts,
    drawn: !judgesNothing(scene),
    detector: parts.detector,
    regions,
    beside: true,
    size: info,
    lines: isWired ? { kind: 'open', activity: parts.signals.activity, heads: headsOf(scene) } : { kind: 'simulated' },
    evidence,
    broker: async () => parts.link(),
    machine: new SysteminformationMachine({ folder: data, clock, timer: systemTimer }),
    files: systemFiles,
    clock,
    timer: systemTimer,
  });
  evidence.answerSelfTests(async (request) => (await selfTest.run({ ...request, asked: 'selftest' })) as JsonValue);
  return selfTest;
}
