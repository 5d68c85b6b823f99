import { createHash, type KeyObject, sign } from 'node:crypto';
import { canonicalJson, type JsonValue } from '../../../kernel/canonical-json.ts';

/**
 * A unit that writes evidence in the plainest way that the format allows, straight from its description: the other hand that the
 * verifier is tested against. Hashes of the log are computed by the recursive definitions of RFC 6962 §2.1, from all leaves.
 */

export const digest = (...bytes: readonly (Buffer | string)[]): string => sha(...bytes).toString('hex');

function sha(...bytes: readonly (Buffer | string)[]): Buffer {
  const hash = createHash('sha256');
  for (const one of bytes) hash.update(one);
  return hash.digest();
}

export interface TinyEntry {
  readonly record: Buffer;
  readonly signature: Buffer;
}

export interface AgeFile {
  readonly name: string;
  readonly header: Buffer;
  readonly body: Buffer;
}

export interface TinyPackage {
  readonly sequence: number;
  readonly id: string;
  readonly files: readonly AgeFile[];
  readonly keys: Buffer;
  erased: boolean;
}

export type JsonObject = { readonly [key: string]: JsonValue | undefined };

export class TinyUnit {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly entries: TinyEntry[] = [];
  readonly packages = new Map<number, TinyPackage>();
  readonly #privateKey: KeyObject;

  constructor(name: string, keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }) {
    this.name = name;
    this.publicKey = keys.publicKey;
    this.#privateKey = keys.privateKey;
  }

  get spki(): Buffer {
    return this.publicKey.export({ type: 'spki', format: 'der' });
  }

  get pem(): string {
    return String(this.publicKey.export({ type: 'spki', format: 'pem' }));
  }

  get vkey(): string {
    const [type, key] = this.#noteKey();
    return `atalaya/${this.name}+${this.#noteId().toString('hex')}+${Buffer.concat([Buffer.of(type), key]).toString('base64')}`;
  }

  #noteKey(): readonly [number, Buffer] {
    return this.publicKey.asymmetricKeyType === 'ed25519' ? [0x01, this.spki.subarray(-32)] : [0x02, this.spki];
  }

  #noteId(): Buffer {
    const [type, key] = this.#noteKey();
    return (type === 0x01 ? sha(`atalaya/${this.name}\n\x01`, key) : sha(key)).subarray(0, 4);
  }

  sign(bytes: Buffer): Buffer {
    return sign(this.publicKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, this.#privateKey);
  }

  /** Appends a record; what every record has is filled in, and may be overridden. */
  append(record: JsonObject): number {
    const sequence = this.entries.length + 1;
    const common = { unit: this.name, boot: 'boot-1', sequence, signer: digest(this.spki) };
    const bytes = Buffer.from(canonicalJson({ ...common, ...record }));
    this.entries.push({ record: bytes, signature: this.sign(bytes) });
    return sequence;
  }

  /** A package with this many files of about `size` bytes; without files nothing is sealed. */
  evidence(fileCount: number, size = 40, change: (record: JsonObject) => JsonObject = (record) => record): TinyPackage {
    const sequence = this.entries.length + 1;
    const files = Array.from({ length: fileCount }, (_, index) =>
      ageFile(`${this.name}/${sequence}/${index}`, `still-${index}.jpg`, size),
    );
    const keys = Buffer.concat(files.map(({ header }) => header));
    const id = `${this.name}-${String(sequence).padStart(9, '0')}`;
    const sealing =
      fileCount === 0
        ? null
        : {
            format: 'age-encryption.org/v1',
            recipients: ['age1authority'],
            keys: { bytes: keys.byteLength, sha256: digest(keys) },
          };
    const made = { sequence, id, files, keys, erased: false };
    this.append(
      change({ ...evidenceMembers(sequence), id, sealing, files: files.map((file) => fileMember(file, sequence)) }),
    );
    this.packages.set(sequence, made);
    return made;
  }

  action(action: JsonObject, change: JsonObject = {}): number {
    const sequence = this.entries.length + 1;
    return this.append({
      schema: 'atalaya/action/1',
      time: moment(sequence),
      actor: { kind: 'person', name: 'A. Perez', account: 'aperez' },
      reason: 'order 17/2026',
      action,
      ...change,
    });
  }

  erase(one: TinyPackage, change: JsonObject = {}): number {
    one.erased = true;
    const bodies = one.files.map(({ body }) => digest(body));
    const keys = one.files.length === 0 ? null : digest(one.keys);
    return this.action({ kind: 'erase', evidence: one.id, keys, bodies, ...change });
  }

  leaf(index: number): Buffer {
    const { record, signature } = this.entries[index] as TinyEntry;
    return Buffer.from(`${digest(record)}  record.json\n${digest(signature)}  record.sig\n`);
  }

  /** RFC 6962 §2.1: MTH of the leaves from `from` up to `to`. */
  root(from = 0, to = this.entries.length): Buffer {
    if (from === to) return sha('');
    if (to - from === 1) return sha(Buffer.of(0), this.leaf(from));
    const middle = from + splitOf(to - from);
    return sha(Buffer.of(1), this.root(from, middle), this.root(middle, to));
  }

  /** RFC 6962 §2.1.1: PATH. */
  inclusion(index: number, from = 0, to = this.entries.length): Buffer[] {
    if (to - from === 1) return [];
    const middle = from + splitOf(to - from);
    return index < middle
      ? [...this.inclusion(index, from, middle), this.root(middle, to)]
      : [...this.inclusion(index, middle, to), this.root(from, middle)];
  }

  /** RFC 6962 §2.1.2: PROOF. */
  consistency(older: number, newer = this.entries.length): Buffer[] {
    return older === 0 || older === newer ? [] : this.#subproof(older, 0, newer, true);
  }

  #subproof(older: number, from: number, to: number, known: boolean): Buffer[] {
    if (older === to) return known ? [] : [this.root(from, to)];
    const middle = from + splitOf(to - from);
    return older <= middle
      ? [...this.#subproof(older, from, middle, known), this.root(middle, to)]
      : [...this.#subproof(older, middle, to, false), this.root(from, middle)];
  }

  checkpoint(size = this.entries.length): string {
    return this.note(`atalaya/${this.name}\n${size}\n${this.root(0, size).toString('base64')}\n`);
  }

  /** A signed note over any text. */
  note(text: string): string {
    const blob = Buffer.concat([this.#noteId(), this.sign(Buffer.from(text))]);
    return `${text}\n\u2014 atalaya/${this.name} ${blob.toString('base64')}\n`;
  }
}

/** The largest power of two below n. */
function splitOf(n: number): number {
  let split = 1;
  while (split * 2 < n) split *= 2;
  return split;
}

/** Bytes that nobody would take for text, the same for the same seed. */
export function noise(seed: string, bytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at * 32 < bytes; at += 1) blocks.push(sha(`${seed}/${at}`));
  return Buffer.concat(blocks).subarray(0, bytes);
}

function ageFile(seed: string, name: string, size: number): AgeFile {
  const header = `age-encryption.org/v1\n-> X25519 ${noise(`${seed}/share`, 6).toString('hex')}\n--- ${noise(`${seed}/mac`, 6).toString('hex')}\n`;
  return { name, header: Buffer.from(header), body: noise(`${seed}/body`, size) };
}

function fileMember({ name, header, body }: AgeFile, sequence: number): JsonObject {
  return {
    name,
    role: 'context',
    mediaType: 'image/jpeg',
    bytes: header.byteLength + body.byteLength,
    sha256: digest(header, body),
    header: header.byteLength,
    body: digest(body),
    making: 'quality 70',
    origin: 'original',
    width: 640,
    height: 360,
    moment: 'at',
    frame: sequence,
    time: moment(sequence),
  };
}

export function moment(sequence: number): JsonObject {
  return {
    utc: new Date(Date.UTC(2026, 0, 1) + sequence * 1000).toISOString(),
    elapsedMs: sequence * 1000,
    clock: { source: 'system', synchronised: true, dated: true, intervalErrorMs: 0.5 },
  };
}

function evidenceMembers(sequence: number): JsonObject {
  return {
    schema: 'atalaya/evidence/3',
    sealed: moment(sequence),
    infraction: {
      rule: 'wrong-way',
      frame: sequence,
      time: moment(sequence),
      track: 7,
      class: 'car',
      lane: null,
      box: { x: 1.5, y: 2, width: 30, height: 20 },
      measured: { rule: 'wrong-way', lane: 'left', againstDeg: 172.5, distancePx: 80 },
      findings: [{ name: 'heading', value: 172.5, unit: 'deg', limit: 120, says: 'It drove against the lane.' }],
    },
    provenance: {
      site: { id: 's-1', name: 'Calle Mayor' },
      software: { version: '1.0.0' },
      configuration: { sha256: digest('configuration') },
      scene: { name: 'mayor', sha256: digest('scene') },
      model: { id: 'm-1', sha256: digest('model') },
    },
    auxiliary: {
      label: 'raw data, not a measurement',
      calibration: {},
      track: [],
      omitted: 0,
      votes: { car: 1 },
      phases: [],
    },
  };
}
