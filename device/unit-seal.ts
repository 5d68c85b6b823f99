import type { CaptureTime } from './capture/frame.ts';
import type { FrameRing, Held } from './capture/frame-ring.ts';
import type { KeptFrame } from './capture/kept-frame.ts';
import type { Mark } from './evidence/annotate.ts';
import type { EvidenceStore, SealedEvidence } from './evidence/evidence-store.ts';
import type { Provenance } from './evidence/record.ts';
import type { Infraction } from './judge/infraction.ts';
import { AtalayaError } from './kernel/errors.ts';
import { type Milliseconds, milliseconds } from './kernel/units.ts';
import type { Scene } from './scene/scene.ts';
import type { Track } from './track/track.ts';

export interface SealParts {
  readonly store: EvidenceStore;
  readonly scene: Scene;
  readonly provenance: Provenance;
  /** How long before the moment the first still is taken. */
  readonly before: Milliseconds;
}

/**
 * Seals one infraction with the frames that the ring still has, as originals or as pixels: one before the moment, the moment's own (or
 * the nearest that is left; each still names its frame and time), and the newest. The frames are held from the call on until the
 * evidence is durable.
 */
export async function sealInfraction(
  { store, scene, provenance, before }: SealParts,
  infraction: Infraction,
  track: Track | undefined,
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
    return await store.seal(infraction, frames, {
      provenance,
      track: track?.points ?? [],
      marks: marksFor(scene, infraction),
    });
  } finally {
    for (const one of held) one.release();
  }
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
