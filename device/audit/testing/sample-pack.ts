import { type ActionRecord, actionSchema } from '../../evidence/record/action-record.ts';
import { statementOf } from '../../evidence/record/plate-file.ts';
import { type EvidenceFile, type EvidenceRecord, evidenceSchema } from '../../evidence/record/record.ts';
import { sealPlate } from '../../evidence/sealing/plate-commitment.ts';
import { plateModels, plateRead, plateUnread } from '../../evidence/testing/plates.ts';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { sha256 } from '../../kernel/hash.ts';
import type { TrackPlate } from '../../plate/vote/track-plate.ts';
import { calibrationRecordOf } from '../../scene/calibration-record.ts';
import { parseScene } from '../../scene/load-scene.ts';
import type { PackFile, PackParts } from '../pack-parts.ts';
import { consistencyOf, inclusionOf, leafHash, type SampleSigner, sampleSigner } from './sample-log.ts';

export const sampleUnit = 'unit-7';

export const momentAt = (frame: number): EvidenceRecord['sealed'] => ({
  utc: new Date(1_772_366_400_000 + frame * 40).toISOString(),
  elapsedMs: frame * 40,
  clock: { source: 'system', synchronised: true, dated: true, intervalErrorMs: 0.5 },
});

/** A file of a sample, with what its ciphertext and its opened content are made of. */
export interface SampleFile {
  readonly file: EvidenceFile;
  readonly ciphertext: Buffer;
  readonly opened?: Buffer;
}

export const ciphertextOf = (name: string): Buffer =>
  Buffer.concat([Buffer.from('age-encryption.org/v1\n'), Buffer.alloc(900, name)]);

const sealed = (name: string) => {
  const ciphertext = ciphertextOf(name);
  return {
    name,
    bytes: ciphertext.byteLength,
    sha256: sha256(ciphertext),
    header: 22,
    body: sha256(ciphertext.subarray(22)),
  };
};

export function pictureFile(
  name: string,
  role: 'context' | 'annotated' | 'operator' | 'close-up',
  moment: 'before' | 'at' | 'after',
  frame: number,
): EvidenceFile {
  const common = {
    ...sealed(name),
    making: '',
    origin: role === 'context' ? ('original' as const) : ('derived' as const),
    width: 1280,
    height: 720,
    moment,
    frame,
    time: momentAt(frame),
  };
  return role === 'close-up'
    ? { ...common, role, mediaType: 'image/png' }
    : { ...common, role, mediaType: 'image/jpeg' };
}

export const clipFile = (name: string): EvidenceFile => ({
  ...sealed(name),
  making: 'Every sixth frame of the ring.',
  role: 'clip',
  mediaType: 'video/x-motion-jpeg',
  origin: 'original',
  width: 1280,
  height: 720,
  frames: [
    [100, 4000.5, 0, 1200],
    [105, 4200.25, 1200, 1300],
    [110, 4400, 2500, 1250],
  ],
});

export const plateFile = (): EvidenceFile => ({
  ...sealed('plate.json'),
  making: '',
  role: 'plate',
  mediaType: 'application/json',
});

export const platePicture = (role: 'plate-crop' | 'plate-vehicle', frame: number): EvidenceFile => ({
  ...sealed(role === 'plate-crop' ? 'plate.png' : 'plate-vehicle.png'),
  making: '',
  role,
  mediaType: 'image/png',
  origin: 'derived',
  width: 96,
  height: 32,
  frame,
  time: momentAt(frame),
});

export const sampleFiles = (): EvidenceFile[] => [
  pictureFile('before.jpg', 'context', 'before', 100),
  pictureFile('at.jpg', 'context', 'at', 105),
  pictureFile('close-up.png', 'close-up', 'at', 105),
  clipFile('clip.mjpeg'),
  plateFile(),
  platePicture('plate-crop', 104),
  platePicture('plate-vehicle', 104),
];

/** As if each picture of the plate held its own name. */
const platePictures = ['plate.png', 'plate-vehicle.png'].map((name) => ({ name, sha256: sha256(name) }));
const plateAt = (plate: TrackPlate) =>
  sealPlate({ ...statementOf(plate, 17, plateModels, platePictures), time: momentAt(104) }, (size) =>
    Buffer.alloc(size, 0xaa),
  );
export const samplePlate = plateAt(plateRead('AB123CD', 104));
export const unreadPlate = plateAt(plateUnread('frames-disagree', 104));

export function sampleRecord(
  sequence: number,
  signer: string,
  files: readonly EvidenceFile[] = sampleFiles(),
  unit = sampleUnit,
): EvidenceRecord {
  const digest = (letter: string) => letter.repeat(64);
  const plate = files.find(({ role }) => role === 'plate');
  return {
    schema: evidenceSchema,
    id: `${unit}-${String(sequence).padStart(9, '0')}`,
    unit,
    boot: '0f6c9c1e-1111-4a7b-9f6e-1a2b3c4d5e6f',
    sequence,
    signer,
    sealed: momentAt(160),
    infraction: {
      rule: 'speeding',
      frame: 105,
      time: momentAt(105),
      track: 17,
      class: 'car',
      lane: 'north-1',
      box: { x: 412.5, y: 301.25, width: 180, height: 122 },
      measured: {
        rule: 'speeding',
        speedKmh: 78.24,
        uncertaintyKmh: 0.61,
        limitKmh: 50,
        toleranceKmh: 3,
        chargedKmh: 75.24,
      },
      findings: [
        {
          name: 'measured-speed',
          value: 75.24,
          unit: 'km/h',
          limit: 50,
          says: 'Measured 78.2 km/h over 21.4 m; less the tolerance of 3 km/h it is still above the limit.',
        },
        {
          name: 'relative-uncertainty',
          value: 0.8,
          unit: '%',
          limit: 3,
          says: 'The fit is good enough to be charged.',
        },
        { name: 'class-certain', value: true, says: 'Nothing speaks against its class.' },
      ],
    },
    files: [...files],
    sealing: {
      format: 'age-encryption.org/v1',
      recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
      operators: [],
      keys: { bytes: 22 * files.length, sha256: digest('b') },
    },
    ...(plate === undefined
      ? {}
      : { plate: { outcome: 'read' as const, commitment: samplePlate.commitment, file: 'plate.json' } }),
    provenance: {
      site: { id: 'site-1', name: 'High Street', direction: 'northbound' },
      software: { version: '0.1.0' },
      configuration: { sha256: digest('c') },
      scene: { name: 'high-street', sha256: digest('5') },
      model: { id: 'ssdlite-mobilenetv2', version: '1', sha256: digest('d') },
    },
    auxiliary: {
      label: 'raw data, not a measurement',
      track: [100, 101, 102, 103, 104, 105].map((frame) => ({
        frame,
        elapsedMs: frame * 40,
        box: { x: 50 + frame, y: 60, width: 180, height: 122 },
        score: 0.9,
        measured: frame !== 103,
        intervalErrorMs: 0.5,
        clock: 'system',
        use: frame === 103 ? 'predicted' : 'held',
        track: 7,
      })),
      omitted: 0,
      votes: { car: 1 },
      phases: [],
      calibration: calibrationRecordOf(
        parseScene('name: high-street\npicture: { width: 1280, height: 720 }\n', 'sample'),
        0,
      ),
    },
  };
}

const erasureOf = (record: EvidenceRecord, sequence: number): ActionRecord => ({
  schema: actionSchema,
  unit: record.unit,
  boot: record.boot,
  sequence,
  signer: record.signer,
  time: momentAt(9000),
  actor: { kind: 'policy', name: 'after 90 days' },
  action: {
    kind: 'erase',
    evidence: record.id,
    keys: record.sealing?.keys.sha256 ?? null,
    bodies: record.files.map(({ body }) => body),
  },
  reason: 'The time for which it may be kept is over.',
});

export interface SampleOptions {
  readonly size: number;
  /** Leaf index of the evidence. */
  readonly index: number;
  readonly signer?: SampleSigner;
  readonly files?: readonly EvidenceFile[];
  /** Size of an older tree to prove against. */
  readonly since?: number;
  /** Leaf index of the entry that erased the files. */
  readonly erasedBy?: number;
  readonly opened?: (file: EvidenceFile) => Buffer | undefined;
  readonly change?: (record: EvidenceRecord) => EvidenceRecord;
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  const middle = bytes.byteLength >> 1;
  yield bytes.subarray(0, middle);
  yield bytes.subarray(middle);
}

/** The parts of a pack from a log of `size` entries, whose other leaves are made up. */
export function samplePack(options: SampleOptions): PackParts {
  const { size, index, signer = sampleSigner('ed25519'), files = sampleFiles(), since, erasedBy } = options;
  const made = sampleRecord(index + 1, signer.fingerprint, files);
  const record = options.change?.(made) ?? made;
  const origin = `atalaya/${record.unit}`;
  const entry = entryOf(record, signer);
  const act = erasedBy === undefined ? undefined : entryOf(erasureOf(record, erasedBy + 1), signer);
  const hashes = Array.from({ length: size }, (_, i) => {
    if (i === index) return leafHash(entry.leaf);
    return leafHash(act !== undefined && i === erasedBy ? act.leaf : Buffer.from(`leaf ${i}`));
  });
  const inclusion = (at: number) => ({ index: at, hashes: inclusionOf(at, hashes) });
  return {
    record,
    ...entry,
    checkpoint: signer.checkpoint(origin, hashes),
    inclusion: inclusion(index),
    ...(since === undefined
      ? {}
      : {
          since: {
            checkpoint: signer.checkpoint(origin, hashes.slice(0, since)),
            consistency: since === 0 ? [] : consistencyOf(since, hashes),
          },
        }),
    publicKey: { pem: signer.pem, vkey: signer.vkey(origin), algorithm: signer.algorithm },
    files: act === undefined ? record.files.map((file) => packFile(file, options)) : [],
    ...(act === undefined || erasedBy === undefined ? {} : { erasure: { ...act, inclusion: inclusion(erasedBy) } }),
    exported: { who: 'A. Auditor', why: 'Objection 12/2026', when: '2026-03-05T09:30:00.000Z' },
  };
}

function packFile(file: EvidenceFile, { opened }: SampleOptions): PackFile {
  const content = opened?.(file);
  return {
    name: file.name,
    ciphertext: () => once(ciphertextOf(file.name)),
    ...(content === undefined ? {} : { opened: () => once(content) }),
  };
}

function entryOf(record: EvidenceRecord | ActionRecord, signer: SampleSigner) {
  const recordBytes = Buffer.from(canonicalJson(record));
  const signature = signer.sign(recordBytes);
  const leaf = Buffer.from(`${sha256(recordBytes)}  record.json\n${sha256(signature)}  record.sig\n`);
  return { recordBytes, signature, leaf };
}
