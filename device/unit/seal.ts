import type { CaptureTime } from '../capture/frame.ts';
import type { FrameRing, Held } from '../capture/frame-ring.ts';
import type { KeptFrame } from '../capture/kept-frame.ts';
import type { EvidenceStore, SealedEvidence } from '../evidence/evidence-store.ts';
import type { Mark } from '../evidence/pictures/annotate.ts';
import type { BystanderMemory } from '../evidence/pictures/bystander-memory.ts';
import type { ClipFrames } from '../evidence/pictures/clip-frames.ts';
import type { Provenance } from '../evidence/record/record.ts';
import type { Infraction } from '../judge/infraction.ts';
import type { RawData } from '../judge/raw-data.ts';
import type { Clock } from '../kernel/clock.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import type { CalibrationRecord } from '../scene/calibration-record.ts';
import type { Scene } from '../scene/scene.ts';
import type { UnitPlates } from './plates.ts';

export interface SealParts {
  readonly store: EvidenceStore;
  readonly scene: Scene;
  readonly provenance: Provenance;
  /** How long before the moment the first still is taken. */
  readonly before: Milliseconds;
  /** How long before the moment the clip begins. */
  readonly clipBefore: Milliseconds;
  /** How long after it the clip ends at the latest. */
  readonly clipAfter: Milliseconds;
  readonly bystanders: BystanderMemory;
  readonly calibration: CalibrationRecord;
  /** Undefined: no clip is made. */
  readonly clips: ClipFrames | undefined;
  readonly plates: Pick<UnitPlates, 'plateOf' | 'models'>;
  /** Tells that the unit is to come to rest: clips give way. */
  readonly inHaste: () => boolean;
}

/**
 * Seals one infraction with the frames that the ring still has, as originals or as pixels: one before the moment, the moment's own (or
 * the nearest that is left; each still names its frame and time), and the newest. The frames are held from the call on until the
 * evidence is durable, while its plate is read. The clip goes from before the moment, or the frame that is shown for it, to after it, as far as
 * frames are there.
 */
export async function sealInfraction(
  {
    store,
    scene,
    provenance,
    before,
    clipBefore,
    clipAfter,
    bystanders,
    calibration,
    clips,
    plates,
    inHaste,
  }: SealParts,
  infraction: Infraction,
  raw: RawData,
  ring: FrameRing,
): Promise<SealedEvidence> {
  const held: Held<KeptFrame>[] = [];
  const hold = (one: Held<KeptFrame> | undefined) => {
    if (one !== undefined) held.push(one);
    return one?.frame;
  };
  try {
    const at = hold(ring.holdNearest(infraction.time.elapsed));
    if (at === undefined) throw new AtalayaError('internal', 'no frame is left for the evidence');
    const first = hold(ring.holdNearest(earlier(infraction.time, before)));
    const newest = hold(ring.holdNewest());
    const frames = {
      at,
      ...(first !== undefined && first.sequence < at.sequence ? { before: first } : {}),
      ...(newest !== undefined && newest.sequence > at.sequence ? { after: newest } : {}),
    };
    const clip = clips?.hold(ring, {
      from: earlier(infraction.time, clipBefore),
      // Where the moment has left the ring, the clip goes on from the frame that is shown for it.
      to: milliseconds(
        Math.min((newest ?? at).time.elapsed, Math.max(infraction.time.elapsed, at.time.elapsed) + clipAfter),
      ),
      include: [first, at, newest].flatMap((frame) => (frame === undefined ? [] : [frame.sequence])),
    });
    held.push(...(clip?.held ?? []));
    const surroundings = bystanders.around(at);
    const tracks = new Set([infraction.track, ...raw.points.map(({ track }) => track)]);
    const plate = await plates.plateOf([...tracks]);
    return await store.seal(infraction, frames, {
      provenance,
      raw,
      calibration,
      marks: marksFor(scene, infraction),
      surroundings,
      plate,
      plateModels: plates.models,
      ...(clip === undefined ? {} : { clip: { frames: clip.held.map(({ frame }) => frame), thinned: clip.thinned } }),
      inHaste,
    });
  } finally {
    for (const one of held) one.release();
  }
}

/** Says whether the signal was aborted longer ago than `after`. */
export function hasteAfter(signal: AbortSignal, after: Milliseconds, clock: Clock): () => boolean {
  let stopped = Number.POSITIVE_INFINITY;
  signal.addEventListener('abort', () => {
    stopped = clock.monotonic();
  });
  return () => clock.monotonic() - stopped >= after;
}

function earlier(time: CaptureTime, by: Milliseconds): Milliseconds {
  return milliseconds(Math.max(0, time.elapsed - by));
}

/** What of the scene belongs on the annotated picture of an infraction. */
function marksFor(scene: Scene, { measured, lane }: Infraction): readonly Mark[] {
  const outline = (name: string, points: Mark['points']): Mark => ({ name, points, closed: true });
  const laneMarks = scene.lanes.filter(({ name }) => name === lane).map(({ name, polygon }) => outline(name, polygon));
  switch (measured.rule) {
    case 'red-light':
    case 'stop-line':
      return scene.stopLines
        .filter(({ name }) => name === measured.line)
        .map(({ name, points }) => ({ name, points, closed: false }));
    case 'stopping':
      return scene.noStopping
        .filter(({ name }) => name === measured.zone)
        .map(({ name, polygon }) => outline(name, polygon));
    case 'blocked-box':
      return scene.boxJunctions
        .filter(({ name }) => name === measured.zone)
        .map(({ name, polygon }) => outline(name, polygon));
    case 'speeding':
    case 'wrong-way':
    case 'restricted-lane':
      return laneMarks;
  }
}
