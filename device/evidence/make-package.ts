import type { KeptFrame } from '../capture/kept-frame.ts';
import type { ModelIdentity } from '../detect/detect-messages.ts';
import type { Infraction } from '../judge/infraction.ts';
import { sha256 } from '../kernel/hash.ts';
import type { TrackPlate } from '../plate/vote/track-plate.ts';
import { makeClip } from './pictures/clip.ts';
import type { ClipJpegs } from './pictures/clip-jpegs.ts';
import type { ClearClip, ClearPicture, ClearPlatePicture } from './pictures/package-files.ts';
import { makePlatePictures } from './pictures/plate-pictures.ts';
import { type InfractionFrames, makeStills, type StillContext } from './pictures/stills.ts';
import { momentOf } from './record/make-record.ts';
import { statementOf } from './record/plate-file.ts';
import type { EvidenceFile, EvidenceRecord, PlateOutcome } from './record/record.ts';
import type { ClearFile, PackageSealer, SealedFile } from './sealing/package-sealer.ts';
import { plateStep, type RandomBytes, sealPlate } from './sealing/plate-commitment.ts';
import type { Recipients } from './sealing/recipients.ts';

/** What is shown of an infraction. */
export interface PackageContent extends StillContext {
  /** Frames of the clip in the order of capture, held until the seal has settled. */
  readonly clip?: { readonly frames: readonly KeptFrame[]; readonly thinned: boolean };
  /** Tells that time is short: of the clip, no more is encoded than must be. Without it, never. */
  readonly inHaste?: () => boolean;
  /**
   * What is known of the plate of the accused: sealed, text and pictures; the record says whether it was read, and holds a commitment.
   * Absent where the caller has nothing to do with plates: then the package and its record say nothing of one. A unit whose reader is
   * off says so (`neverRead('reader-off')`).
   */
  readonly plate?: TrackPlate;
  /** The networks that read it. */
  readonly plateModels?: readonly ModelIdentity[];
}

/** What a record says of its files. */
export type PackageFields = Pick<EvidenceRecord, 'files' | 'sealing' | 'plate'>;

/** Of a unit without an authority: pictures that nobody may open are not kept at all. */
export const noPackage: PackageFields = { files: [], sealing: null };

export interface PackageMaker {
  readonly unit: string;
  readonly recipients: Recipients;
  readonly sealer: PackageSealer;
  readonly randomBytes: RandomBytes;
  readonly jpegs: ClipJpegs;
}

/** A file before it is sealed, and how the record tells of it afterwards. */
interface Part {
  readonly clear: ClearFile;
  readonly tell: (sealed: SealedFile) => EvidenceFile;
}

/**
 * Makes the files of an infraction and seals them: when this resolves, all of them are on the medium, encrypted, and nothing names
 * them yet. Throws `frame-damaged`, `store-full`, `store-failed`, and the signal's reason.
 */
export async function makePackage(
  { unit, recipients, sealer, randomBytes, jpegs }: PackageMaker,
  infraction: Infraction,
  frames: InfractionFrames,
  content: PackageContent,
  signal: AbortSignal,
): Promise<PackageFields> {
  const stills = await makeStills(frames, infraction, unit, content);
  // From here on only the frames of the clip are read any more.
  signal.throwIfAborted();
  const { clip, inHaste } = content;
  const plate = await makePlate(content, infraction.track, randomBytes);
  signal.throwIfAborted();
  const parts: readonly Part[] = [
    ...stills.map(picturePart),
    ...(clip === undefined || clip.frames.length === 0
      ? []
      : [
          clipPart(
            makeClip(frames.at, clip.frames, {
              thinned: clip.thinned,
              moment: infraction.time.elapsed,
              jpegs,
              ...(inHaste && { inHaste }),
            }),
          ),
        ]),
    ...plate.parts,
  ];
  const { keys, files } = await sealer.seal(
    parts.map(({ clear }) => clear),
    signal,
  );
  return {
    files: parts.map(({ tell }, i) => tell(files[i] as SealedFile)),
    sealing: {
      format: 'age-encryption.org/v1',
      recipients: [...recipients.authority],
      operators: [...recipients.operators],
      keys: { ...keys },
    },
    ...(plate.outcome === undefined ? {} : { plate: plate.outcome }),
  };
}

function picturePart({ about, frame, content }: ClearPicture): Part {
  return {
    clear: { name: about.name, content, forOperators: about.role === 'operator' },
    tell: (sealed) => ({ ...about, ...sealed, frame: frame.sequence, time: momentOf(frame.time) }),
  };
}

function clipPart({ name, content, told }: ClearClip): Part {
  return {
    clear: { name, content, forOperators: false },
    tell: (sealed) => ({ ...told(), ...sealed }),
  };
}

const plateName = 'plate.json';

/** The files of a plate, and what the clear record says of it. */
async function makePlate(
  { plate, plateModels = [] }: PackageContent,
  track: number,
  randomBytes: RandomBytes,
): Promise<{ readonly parts: readonly Part[]; readonly outcome: PlateOutcome | undefined }> {
  if (plate === undefined) return { parts: [], outcome: undefined };
  const pictures = await makePlatePictures(plate);
  const digests = pictures.map(({ about: { name }, content }) => ({ name, sha256: sha256(content) }));
  const { commitment, content } = sealPlate(statementOf(plate, track, plateModels, digests), randomBytes);
  const told = { commitment, file: plateName };
  return {
    parts: [platePart(content), ...pictures.map(platePicturePart)],
    outcome:
      plate.kind === 'read' ? { ...told, outcome: 'read' } : { ...told, outcome: 'unread', reason: plate.reason },
  };
}

function platePart(content: Uint8Array): Part {
  return {
    clear: { name: plateName, content, forOperators: false },
    tell: (sealed) => ({
      ...sealed,
      role: 'plate',
      mediaType: 'application/json',
      making: `what was read of the plate, with the salt of its commitment, filled up to a multiple of ${plateStep} bytes`,
    }),
  };
}

function platePicturePart({ about, frame, time, content }: ClearPlatePicture): Part {
  return {
    clear: { name: about.name, content, forOperators: false },
    tell: (sealed) => ({ ...about, ...sealed, frame, time: momentOf(time) }),
  };
}
