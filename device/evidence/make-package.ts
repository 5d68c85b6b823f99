import type { KeptFrame } from '../capture/kept-frame.ts';
import type { Infraction } from '../judge/infraction.ts';
import { makeClip } from './pictures/clip.ts';
import type { ClipJpegs } from './pictures/clip-jpegs.ts';
import type { ClearClip, ClearPicture } from './pictures/package-files.ts';
import { type InfractionFrames, makeStills, type StillContext } from './pictures/stills.ts';
import { momentOf } from './record/make-record.ts';
import type { EvidenceFile, EvidenceRecord } from './record/record.ts';
import type { ClearFile, PackageSealer, SealedFile } from './sealing/package-sealer.ts';
import { type RandomBytes, sealPlate } from './sealing/plate-commitment.ts';
import type { Recipients } from './sealing/recipients.ts';

/** What is shown of an infraction. */
export interface PackageContent extends StillContext {
  /** Frames of the clip in the order of capture, held until the seal has settled. */
  readonly clip?: { readonly frames: readonly KeptFrame[]; readonly thinned: boolean };
  /** Tells that time is short: of the clip, no more is encoded than must be. Without it, never. */
  readonly inHaste?: () => boolean;
  /** The plate's text, where it was read. It is sealed; the record holds a commitment to it. */
  readonly plate?: string;
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
  const plate = content.plate === undefined ? undefined : sealPlate(content.plate, randomBytes);
  const { clip, inHaste } = content;
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
    ...(plate === undefined ? [] : [platePart(plate.content)]),
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
    ...(plate === undefined ? {} : { plate: { commitment: plate.commitment, file: plateName } }),
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

function platePart(content: Uint8Array): Part {
  return {
    clear: { name: plateName, content, forOperators: false },
    tell: (sealed) => ({
      ...sealed,
      role: 'plate',
      mediaType: 'application/json',
      making: 'the text as it was read, with the salt of its commitment',
    }),
  };
}
