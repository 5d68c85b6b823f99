import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { FrameRing } from '../capture/frame-ring.ts';
import { type RecordingStart, undated } from '../capture/frame-times.ts';
import type { SourceOptions } from '../capture/open-source.ts';
import type { Config } from '../config/config-schema.ts';
import { boxOvershoot } from '../detect/box-overshoot.ts';
import { BystanderMemory } from '../evidence/pictures/bystander-memory.ts';
import { ClipFrames, clipLimits } from '../evidence/pictures/clip-frames.ts';
import type { Provenance } from '../evidence/record/record.ts';
import { DetectorPace } from '../health/detector-pace.ts';
import type { RunGuard } from '../health/progress-watchman.ts';
import { Judge } from '../judge/judge.ts';
import type { PhaseSource } from '../judge/phase.ts';
import type { Clock } from '../kernel/clock.ts';
import { explain } from '../kernel/errors.ts';
import { sha256File } from '../kernel/hash.ts';
import type { DisciplinedClock } from '../kernel/linux/clock-state.ts';
import { systemTimer } from '../kernel/timer.ts';
import { milliseconds, seconds, toMilliseconds, utcMilliseconds } from '../kernel/units.ts';
import { runPipeline } from '../pipeline.ts';
import type { TrackPlate } from '../plate/vote/track-plate.ts';
import type { RunConsole } from '../report/console.ts';
import { alertEvent, crossingEvent, EventLog, infractionEvent } from '../report/event-log.ts';
import { writeHtmlReport } from '../report/html-report.ts';
import type { RunOutcome, RunRecord } from '../report/run-record.ts';
import { RunRecorder } from '../report/run-recorder.ts';
import { compareWithTruth, type TruthComparison } from '../report/truth.ts';
import type { Truth } from '../report/truth-schema.ts';
import { calibrationRecordOf } from '../scene/calibration-record.ts';
import { loadScene } from '../scene/load-scene.ts';
import { defaultTrackerConfig } from '../track/config.ts';
import { Tracker } from '../track/tracker.ts';
import { version } from '../version.ts';
import { openDetector } from './detector.ts';
import { openEvidence, type UnitEvidence } from './evidence.ts';
import { UnitModes } from './modes.ts';
import { openingLines, shown } from './opening.ts';
import { openPictures, picturesOf } from './pictures.ts';
import { openPlace, placeFactOf } from './place.ts';
import { openPlates } from './plates.ts';
import { RunProgress } from './progress.ts';
import type { UnitInside, UnitRemote } from './remote/unit-remote.ts';
import { pipelineFigures, runRecordOf, siteOf } from './run-record.ts';
import { hasteAfter, sealInfraction } from './seal.ts';
import { CaptureCount } from './selftest/camera.ts';
import { lookAtPicture } from './selftest/picture.ts';
import { openSelfTest } from './selftest/running.ts';
import type { RunSettings } from './settings.ts';
import { openSignals } from './signals.ts';
import { openUnitSource } from './source.ts';
import { unfitScene } from './updates/fit-scene.ts';

export interface RoadIo {
  readonly console: RunConsole;
  readonly clock: Clock & Partial<Pick<DisciplinedClock, 'discipline'>>;
  /** Given what makes the lines safe as soon as there are lines: for whoever ends the process without waiting for the run. */
  readonly onLines: (makeSafe: () => Promise<void>) => void;
  /** Holds the run to its progress; absent: nobody does. */
  readonly guard?: RunGuard;
}

/** What a run came to. */
export interface RunResult {
  readonly record: RunRecord;
  readonly comparison: TruthComparison | undefined;
  /** The unit ended in order to begin anew: with another configuration, or because it was told to. */
  readonly again: boolean;
}

/** Processed frames whose detections are remembered for masking: more than a fast detector makes in the reach of the ring. */
const MOST_REMEMBERED = 4096;

/** Infractions whose evidence may be under way before the judging waits. */
const SEALS_AT_ONCE = 8;

/** Memory of the clips that are being sealed, as a share of the ring's: six seconds of 1280x720 fit. */
const CLIPS_OF_RING = 0.75;

/** When a run is told to stop, clips that take longer than this give way, so that every infraction is sealed in the time that is left. */
const CLIPS_AFTER_STOP = milliseconds(250);

/** Evidence wants five frames a second or more (UK SI 2022/71, Schedule 1) from before a moment that is judged seconds later. */
const RING_THINNING = { dense: toMilliseconds(seconds(0.7)), gap: toMilliseconds(seconds(0.2)) };

/**
 * Seconds that a judgement may come after its moment: the longest is half a red, for a vehicle that stands across the stop line and
 * then clears it. Frames from before that, and the still before the moment, are not asked for.
 */
const LATEST_JUDGEMENT = 30;

/**
 * Opens every adapter, runs the pipeline until the source ends or the signal comes, closes everything in the order in which nothing is
 * lost, and writes the report. As `runUnit`, with a configuration that is known.
 */
export async function watchRoad(
  settings: RunSettings,
  remote: UnitRemote,
  truth: Truth | undefined,
  { console, clock, onLines, guard }: RoadIo,
  stopped: AbortSignal,
): Promise<RunResult> {
  const started = clock.utc();
  await using open = new AsyncDisposableStack();
  const { config } = remote;
  const signal = AbortSignal.any([stopped, remote.restarting, ...(guard === undefined ? [] : [guard.giveUp])]);
  const boot = randomUUID();
  const damage: { report: (sequence: number, reason: string) => void } = { report: () => {} };
  const { PATH: programs = '/usr/local/bin:/usr/bin:/bin', NOTIFY_SOCKET: manager } = process.env;
  const onDamage: SourceOptions['onDamage'] = ({ sequence, reason }) => damage.report(sequence, reason);
  const { camera, every, live, ownTime } = await openUnitSource(
    { path: settings.source, camera: config.source.camera, pace: config.source.pace, atEnd: config.source.atEnd },
    { ...config.source, start: startOf(config), onDamage },
    {
      ...{ clock, timer: systemTimer, random: Math.random, onDamage },
      path: programs,
      ffmpeg: config.source.ffmpeg,
      // Under a service manager nobody waits for an answer; a technician does.
      patience: manager === undefined ? milliseconds(20_000) : undefined,
      onFault: (fault, wait) => console.notice(`${explain(fault)}\n  tried again in ${(wait / 1000).toFixed(1)} s`),
    },
  );
  open.defer(() => camera.close());
  const modes = new UnitModes();
  let eyes: ReturnType<UnitInside['eyes']>;
  const attach = async ({ store, signer }: UnitEvidence) => {
    open.defer(() => remote.detach());
    await remote.attach({
      ...{ store, boot, eyes: () => eyes },
      ...(settings.launched === undefined ? {} : { updates: { launched: settings.launched, signer } }),
      // A replay of every frame is compared with what is known: it gives nothing up.
      ...(every ? {} : { modes }),
    });
  };
  // A camera may be long in coming, and a unit that nobody reaches until then is one that somebody has to drive to. A recording is there or is
  // refused, before anything else is begun.
  const early = live ? await openEvidence(config, clock, boot, settings.recipients) : undefined;
  if (early !== undefined) {
    open.defer(() => early.close());
    await attach(early);
    const waiting = new RunProgress(clock);
    guard?.running(() => waiting.facts);
  }
  const info = await camera.open(signal);
  guard?.opening();
  const scene = await loadScene(settings.scene, info);
  const place = await openPlace(settings.references, scene, info);
  const detector = await openDetector(config, scene, settings.components);
  open.defer(() => detector.close());
  const evidence = early ?? (await openEvidence(config, clock, boot, settings.recipients));
  if (evidence !== early) open.defer(() => evidence.close());
  const { store } = evidence;
  const events = settings.events === undefined ? undefined : await EventLog.open(settings.events);
  if (events !== undefined) open.defer(() => events.close());

  const signals = await openSignals(
    () => remote.config,
    scene,
    clock,
    join(config.evidence.data, 'lines.jsonl'),
    (stuck) => console.notice(explain(stuck)),
    {
      onSensor: (event) => remote.sensed(event),
      // Loops are wired to be compared with what is seen; nothing is judged from them.
      onPassage: ({ input, from, to }) =>
        remote.log.debug({ part: 'signal', input, forMs: Math.round(to - from) }, 'a vehicle left a loop'),
    },
  );
  open.defer(() => signals.close());
  onLines(() => signals.close());
  const { signaller } = signals;
  const phases: PhaseSource = {
    phaseAt: (head, time, elapsed) => signals.phases.phaseAt(head, time, ownTime(elapsed)),
  };
  const recorder = new RunRecorder(scene, phases, () => process.memoryUsage.rss());
  const capture = new CaptureCount();
  damage.report = (sequence, reason) => {
    recorder.damaged();
    capture.damaged();
    console.notice(`frame ${sequence} is damaged and was left out: ${reason}`);
  };
  let alerts = Promise.resolve();
  const plates = await openPlates(
    config,
    scene,
    every,
    clock,
    signal,
    {
      alert: (alert) => {
        if (!remote.config.flags.watchLists) return;
        recorder.alerted();
        // Said when it is on the disk, or cannot be brought there: closing the events tells why.
        const written = Promise.allSettled([events?.append(alertEvent(alert)), remote.alerted(alert)]);
        alerts = alerts.then(() => written).then(() => console.alert(alert));
      },
      fault: (fault) => {
        remote.plateReaderFailed(fault);
        console.notice(explain(fault));
      },
    },
    () => modes.plates,
    settings.components,
  );
  open.defer(() => plates.close());
  const sceneSha256 = await sha256File(settings.scene);
  const provenance: Omit<Provenance, 'configuration'> = {
    site: siteOf(config),
    software: { version },
    scene: { name: scene.name, sha256: sceneSha256 },
    model: detector.model,
  };
  const { beforeS, clipBeforeS, ringMegabytes } = config.evidence;
  const reach = toMilliseconds(seconds(LATEST_JUDGEMENT + Math.max(beforeS, clipBeforeS)));
  const bystanders = new BystanderMemory(scene.regions, { reach, most: MOST_REMEMBERED });
  /** For a trial alone: no unit at a road keeps what it read. */
  const accused = new Map<number, TrackPlate>();
  const clips = new ClipFrames({ ...clipLimits, bytes: CLIPS_OF_RING * ringMegabytes * 1e6 });
  const seal = {
    store,
    scene,
    // Live: whatever is in force when an infraction is sealed.
    get provenance(): Provenance {
      return { ...provenance, configuration: { sha256: remote.sha256 } };
    },
    get before() {
      return toMilliseconds(seconds(remote.config.evidence.beforeS));
    },
    get clipBefore() {
      return modes.clipReach(toMilliseconds(seconds(remote.config.evidence.clipBeforeS)));
    },
    get clipAfter() {
      return modes.clipReach(toMilliseconds(seconds(remote.config.evidence.clipAfterS)));
    },
    bystanders,
    calibration: calibrationRecordOf(scene, boxOvershoot),
    get clips() {
      return modes.clips ? clips : undefined;
    },
    plates: {
      models: plates.models,
      plateOf: async (tracks: readonly number[]) => {
        const plate = await plates.plateOf(tracks);
        if (truth !== undefined) for (const track of tracks) accused.set(track, plate);
        return plate;
      },
    },
    inHaste: hasteAfter(signal, CLIPS_AFTER_STOP, clock),
  };
  const ring = new FrameRing(
    () => modes.ringShare * ringMegabytes * 1e6,
    (frame) => camera.release(frame),
    {
      ...RING_THINNING,
      reach,
    },
  );
  evidence.keepHouse(
    (problem) => console.notice(explain(problem)),
    () => modes.makesRoom,
  );
  const selfTest = openSelfTest({
    ...{ boot, capture, info, ring, bystanders, scene, sceneSha256, detector, signals, evidence, clock },
    references: settings.references,
    config: () => remote.config,
    configSha256: () => remote.sha256,
    link: () => remote.link,
  });
  eyes = {
    ...{ ring, bystanders },
    selfTest: (request) => selfTest.run(request),
    unfitScene: (folder) =>
      unfitScene(folder, {
        camera: info,
        running: { scene, references: settings.references },
        look: async (of) => (await lookAtPicture({ ring, bystanders, ...of }, false)).reference,
      }),
    pipeline: () => pipelineFigures(recorder, plates),
    ...(place === undefined ? {} : { cameraPlace: () => placeFactOf(place) }),
    housing: () => ({ door: signals.sensors.active('door'), tamper: signals.sensors.active('tamper') }),
  };
  // Whoever asks while all of it is being closed finds nothing that is half closed.
  open.defer(() => {
    eyes = undefined;
  });
  if (early === undefined) await attach(evidence);
  console.opening([...openingLines(settings, info, scene, detector, evidence), ...plates.opening]);

  const progress = new RunProgress(clock);
  const pace = new DetectorPace(detector, clock, () => modes.detectorShare);
  guard?.running(() => progress.facts);
  const showProgress = () => {
    const { processed, tracksLive, skipped, damaged, infractions } = recorder.counts;
    const { memoryBytes } = recorder;
    // Those that went by are done as well: a clip in its own time comes to its end.
    const framesDone = processed + skipped + damaged;
    console.progress({ framesDone, framesTotal: info.frames, tracksLive, skipped, damaged, infractions, memoryBytes });
  };
  let outcome: RunOutcome = { kind: 'source-ended' };
  let fault: { readonly error: unknown } | undefined;
  try {
    await runPipeline(
      {
        camera,
        ring,
        detector: { detect: (frame) => pace.detect(frame), close: () => detector.close() },
        tracker: new Tracker(defaultTrackerConfig),
        plates,
        judge: new Judge({ scene, phases, boxOvershoot, ...(place === undefined ? {} : { doubts: place }) }),
        seal: (infraction, raw, frames) => progress.sealing(sealInfraction(seal, infraction, raw, frames)),
        announce: async (infraction, sealed) => {
          signaller.show(infraction);
          const entry = recorder.sealed(infraction, sealed.id, picturesOf(sealed));
          console.infraction(entry);
          remote.sealed(infraction, sealed.id);
          await events?.append(infractionEvent(infraction, sealed.id));
        },
        lost: (infraction, error) => {
          recorder.lost();
          remote.lost(infraction, error);
          console.lost(infraction, explain(error));
        },
        observer: {
          captured: (frame) => {
            recorder.captured(frame);
            capture.captured();
            remote.captured();
            progress.captured();
          },
          skipped: () => recorder.skipped(),
          withheld: (infraction) => remote.withheld(infraction, place?.accusationDoubt ?? ''),
          measured: (report) => recorder.measured(report),
          crossed: (crossing) => {
            recorder.crossed(crossing);
            remote.crossed(crossing);
            events?.append(crossingEvent(crossing)).catch(() => {});
          },
          processed: (frame, detections, update) => {
            progress.judged();
            remote.judged();
            place?.look(frame.picture, frame.time.elapsed);
            bystanders.observe(frame, detections);
            recorder.processed(frame, detections, update);
            showProgress();
          },
        },
      },
      { frames: every ? 'every' : 'newest', sealsAtOnce: SEALS_AT_ONCE, admits: () => pace.admits() },
      signal,
    );
    // What went by after the last frame that was judged is done as well.
    if (!signal.aborted) showProgress();
    progress.ended();
    capture.ended();
    if (config.source.atEnd === 'stay' && !signal.aborted) {
      console.opening([
        'the source has ended: nothing more is seen, and the unit stays reachable until it is stopped (source.atEnd)',
      ]);
      await aborted(signal);
    }
    guard?.giveUp.throwIfAborted();
    if (signal.aborted) outcome = { kind: 'interrupted' };
  } catch (error) {
    fault = { error };
    outcome = { kind: 'failed', message: explain(error) };
  }
  guard?.ending();
  // Nothing more will be signalled: the lines do not wait for the report, nor for plates that no infraction waits for.
  await signals.close();
  await plates.close();
  await alerts;
  await remote.finish(signal.aborted || fault !== undefined ? 'stopped' : 'source');

  const ended = clock.utc();
  const record = runRecordOf({
    ...{ info, scene, started, ended, outcome, recorder, detector, sceneSha256 },
    configSha256: remote.sha256,
  });
  const comparison = truth === undefined ? undefined : compareWithTruth(record, truth, accused);
  console.summary(record, comparison);
  try {
    await writeHtmlReport(record, comparison, {
      path: settings.report,
      open: await openPictures(
        { store, unit: config.unit.id, evidence: record.infractions.map((sealed) => sealed.evidence) },
        settings.identities,
      ),
    });
    console.opening([`report: ${shown(settings.report)}`]);
  } catch (error) {
    // What stopped the run is what the person must read last.
    if (fault === undefined) throw error;
    console.notice(explain(error));
  }
  if (fault !== undefined) throw fault.error;
  return { record, comparison, again: remote.restarting.aborted && !stopped.aborted };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What a person says of the recording's date; the recording's own word goes before it. */
function startOf({ source: { startedAt } }: Config): RecordingStart {
  return startedAt === undefined ? undated : { utc: utcMilliseconds(Date.parse(startedAt)), stated: true };
}
