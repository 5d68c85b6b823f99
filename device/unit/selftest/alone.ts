import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Camera } from '../../capture/camera.ts';
import type { Frame } from '../../capture/frame.ts';
import { FrameRing, type Held } from '../../capture/frame-ring.ts';
import { undated } from '../../capture/frame-times.ts';
import type { Config } from '../../config/config-schema.ts';
import type { Detector } from '../../detect/detector.ts';
import { BystanderMemory } from '../../evidence/pictures/bystander-memory.ts';
import { SysteminformationMachine } from '../../health/systeminformation-machine.ts';
import { systemClock } from '../../kernel/clock.ts';
import { makeFolders } from '../../kernel/durable-file.ts';
import { AtalayaError, explain, isAtalayaError, systemCode } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { sha256File } from '../../kernel/hash.ts';
import { type DisciplinedClock, openDisciplinedClock } from '../../kernel/linux/clock-state.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import { loadScene } from '../../scene/load-scene.ts';
import { judgesNothing, type Scene } from '../../scene/scene.ts';
import type { SelfTestReport } from '../../selftest/contract/self-test-report.ts';
import type { CameraFacts, Size } from '../../selftest/facts.ts';
import { LineActivity } from '../../signal/line-activity.ts';
import { openLines } from '../../signal/line-settings.ts';
import { version } from '../../version.ts';
import { openDetector } from '../detector.ts';
import { evidenceFolder, openEvidence } from '../evidence.ts';
import { headsOf, namedLines } from '../lines.ts';
import type { RunSettings } from '../settings.ts';
import { openUnitSource } from '../source.ts';
import { CaptureCount, nominalRate } from './camera.ts';
import { probeLink } from './link.ts';
import { type SelfTestParts, type SelfTestRequest, UnitSelfTest } from './unit-selftest.ts';

/** A camera that fails to start is tried again for twice the time that it may take; a technician stands beside it. */
const patienceFor = ({ source: { camera } }: Config) => milliseconds(2000 * (camera?.startS ?? 10));
const LINE_DEADLINE = milliseconds(2000);

/**
 * Tests a unit whose program does not run: opens evidence, scene, camera, detector and lines itself, in this order, so that nothing is touched
 * where a unit runs after all, and closes them in the other. What cannot be opened is in the report, and keeps nothing else from being tested.
 *
 * Throws `store-locked` where a unit has the evidence, and what the configuration and the scene are refused with.
 */
export async function testUnitAlone(
  settings: RunSettings,
  request: Omit<SelfTestRequest, 'asked'>,
): Promise<SelfTestReport> {
  const { config } = settings;
  const clock = openDisciplinedClock(systemClock);
  const boot = randomUUID();
  await makeFolders(systemFiles, config.evidence.data);
  await using open = new AsyncDisposableStack();
  const evidence = await openOwnEvidence(config, clock, boot, request.seal);
  if (evidence !== undefined && 'store' in evidence) open.defer(() => evidence.close());
  const drawn = await loadScene(settings.scene);
  const watched = await openCamera(settings, clock);
  open.defer(() => watched.close());
  const scene = watched.size === undefined ? drawn : await loadScene(settings.scene, watched.size).catch(() => drawn);
  const detector = await openDetector(config, scene, settings.components).catch((error: unknown) => error);
  const works = isDetector(detector) ? detector : undefined;
  if (works !== undefined) open.defer(() => works.close());
  const lines = await openOwnLines(config, scene, clock);
  if (lines.kind === 'open') open.defer(() => lines.close());
  const bystanders = new BystanderMemory(scene.regions, { reach: milliseconds(10_000), most: 100 });
  const look = (): Promise<CameraFacts> =>
    watched.look(drawn.picture, async (frame) => {
      if (request.seal && works !== undefined) bystanders.observe(frame, await works.detect(frame));
    });
  const sceneSha256 = await sha256File(settings.scene);
  const parts: SelfTestParts = {
    config: () => config,
    head: () => ({
      unit: config.unit.id,
      site: config.unit.site,
      program: version,
      boot,
      scene: { name: scene.name, sha256: sceneSha256, calibrated: scene.ground !== undefined },
      configuration: settings.sha256,
    }),
    camera: look,
    picture: { ring: watched.ring, bystanders, scene, references: settings.references },
    drawn: !judgesNothing(scene),
    detector: works ?? { detect: () => Promise.reject(detector) },
    regions: scene.regions,
    beside: false,
    size: watched.size ?? drawn.picture,
    lines,
    evidence,
    broker: () => probeLink(config, clock, systemTimer),
    machine: new SysteminformationMachine({ folder: config.evidence.data, clock, timer: systemTimer }),
    files: systemFiles,
    clock,
    timer: systemTimer,
  };
  return await new UnitSelfTest(parts).run({ ...request, asked: 'selftest' });
}

const isDetector = (found: unknown): found is Detector =>
  typeof found === 'object' && found !== null && 'detect' in found;

/** Where nothing was ever sealed and nothing is to be, no key and no ledger is made by a mere look. */
async function openOwnEvidence(config: Config, clock: DisciplinedClock, boot: string, seal: boolean) {
  const folder = evidenceFolder(config.evidence.data);
  const begun = await stat(join(folder, 'public')).catch(() => undefined);
  if (begun === undefined && !seal) return undefined;
  try {
    return await openEvidence(config, clock, boot);
  } catch (error) {
    if (isAtalayaError(error, 'store-locked')) {
      throw new AtalayaError('store-locked', error.message, {
        hint: `A unit runs here and did not answer: ask it from the centre (atalaya-fleet command self-test ${config.unit.id} --wait), or stop it and test again.`,
        cause: error,
      });
    }
    return { fault: isAtalayaError(error) ? error.message : explain(error) };
  }
}

/** The lines of a unit that does not run, outputs at their safe levels. */
async function openOwnLines(config: Config, scene: Scene, clock: DisciplinedClock) {
  const { signal } = config;
  if (signal.lines.driver === 'simulated') return { kind: 'simulated' } as const;
  const named = namedLines(config, scene);
  const needs = {
    outputs: [signal.beacon.output, signal.strobe.output],
    inputs: headsOf(scene).flatMap(({ red, amber, green }) => [red, amber, green].filter((one) => one !== undefined)),
  };
  try {
    const lines = await openLines(signal.lines, needs, {
      clock,
      timer: systemTimer,
      random: Math.random,
      onFault: () => {},
    });
    const activity = LineActivity.open(lines, named, { clock, timer: systemTimer, deadline: LINE_DEADLINE });
    const close = async () => {
      activity.close();
      await lines.close();
    };
    return { kind: 'open', activity, heads: headsOf(scene), close } as const;
  } catch (error) {
    return { kind: 'unavailable', says: wordsOf(error) } as const;
  }
}

/** A camera that is looked at for some seconds, and its newest frame. */
interface Watched {
  /** Undefined where it could not be opened. */
  readonly size: (Size & { readonly name: string; readonly frames: number | undefined }) | undefined;
  readonly ring: FrameRing;
  /** `newest` is given the last frame, with its pixels. */
  look(scene: Size, newest: (frame: Frame) => Promise<void>): Promise<CameraFacts>;
  close(): Promise<void>;
}

async function openCamera({ config, source }: RunSettings, clock: DisciplinedClock): Promise<Watched> {
  const count = new CaptureCount();
  const stop = new AbortController();
  const { PATH: path = '/usr/local/bin:/usr/bin:/bin' } = process.env;
  const onDamage = () => count.damaged();
  let camera: Camera | undefined;
  const ring = new FrameRing(1, (frame) => camera?.release(frame));
  const close = async () => {
    stop.abort();
    await camera?.close();
  };
  try {
    if (source === undefined) await needDevice(config);
    const opened = await openUnitSource(
      { path: source, camera: config.source.camera, pace: config.source.pace, atEnd: config.source.atEnd },
      { ...config.source, start: undated, onDamage },
      {
        ...{ clock, timer: systemTimer, random: Math.random, path, onDamage },
        ffmpeg: config.source.ffmpeg,
        patience: patienceFor(config),
        onFault: () => {},
      },
    );
    camera = opened.camera;
    const size = await camera.open(stop.signal);
    const nominal = nominalRate(config);
    return {
      size,
      ring,
      close,
      look: (scene, newest) =>
        lookAt({ camera: opened.camera, count, ring, stop, clock, nominal, size, scene }, newest),
    };
  } catch (error) {
    const says = wordsOf(error);
    return { size: undefined, ring, close, look: async () => ({ kind: 'unavailable', says }) };
  }
}

/** A device that is not there is not waited for. Throws `camera-unavailable`. */
async function needDevice({ source: { camera } }: Config): Promise<void> {
  if (camera?.kind !== 'v4l2') return;
  const { device } = camera;
  await stat(device).catch((cause: unknown) => {
    if (systemCode(cause) !== 'ENOENT') return;
    throw new AtalayaError('camera-unavailable', `there is no device ${device}`, {
      hint: 'Plug the camera in, or name another one; v4l2-ctl --list-devices says what is there.',
      cause,
    });
  });
}

/** A fault in the words of the program that runs: what it is, and what to do. */
function wordsOf(error: unknown): string {
  if (!isAtalayaError(error)) return explain(error);
  return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
}

interface Looking {
  readonly camera: Camera;
  readonly count: CaptureCount;
  readonly ring: FrameRing;
  readonly stop: AbortController;
  readonly clock: DisciplinedClock;
  readonly nominal: number | undefined;
  readonly size: Size;
  readonly scene: Size;
}

async function lookAt(
  { camera, count, ring, stop, clock, nominal, size, scene }: Looking,
  newest: (frame: Frame) => Promise<void>,
): Promise<CameraFacts> {
  const last: { held: Held<Frame> | undefined } = { held: undefined };
  const pump = (async () => {
    for await (const frame of camera.frames(stop.signal)) {
      count.captured();
      const before = last.held;
      last.held = ring.push(frame);
      before?.release();
    }
    count.ended();
  })().catch((error: unknown) => count.ended(isAtalayaError(error) ? error.message : explain(error)));
  try {
    const facts = await count.look({ clock, timer: systemTimer, nominal, size, scene });
    stop.abort();
    await pump;
    // A detector that fails is found by its own test; without it the masked picture is black.
    if (last.held !== undefined) await newest(last.held.frame).catch(() => undefined);
    return facts;
  } finally {
    stop.abort();
    await pump;
    last.held?.release();
  }
}
