import { verify } from 'node:crypto';
import type { Finding, Ledger, Witnessed } from './finding.ts';
import { noteKeyId, type PublicKey, verifies, type WitnessKey } from './keys.ts';
import { fromBase64, fromDecimal } from './text-forms.ts';

export interface Checkpoint {
  readonly unit: string;
  readonly size: number;
  readonly root: Buffer;
  /** The whole note. */
  readonly note: string;
  /** What is signed: the note up to the empty line, its line end included. */
  readonly text: string;
  /** Good cosignatures by the witnesses that were given. */
  readonly witnessed: readonly Witnessed[];
}

interface SignatureLine {
  readonly name: string;
  readonly id: Buffer;
  readonly signature: Buffer;
}

export interface NoteKeys {
  readonly key: PublicKey;
  readonly witnesses: readonly WitnessKey[];
}

/** Where a note lies, for findings about it. */
export interface NotePlace {
  readonly path: string;
  readonly part: Finding['part'];
  /** Where the note begins in the file. */
  readonly offset: number;
}

export const originOf = (unit: string): string => `atalaya/${unit}`;

/** Bytes beyond which a file is no checkpoint: three lines, and signature lines of a few hundred bytes. */
export const longestNote = 64 * 1024;

/**
 * The checkpoint in a signed note, where form and the unit's signature are right; everything that is wrong goes to the ledger.
 * Signature lines by keys that were not given are ignored, as C2SP signed-note asks, and noticed.
 */
export function readCheckpoint(
  bytes: Buffer,
  keys: NoteKeys,
  place: NotePlace,
  ledger: Ledger,
): Checkpoint | undefined {
  const where = { part: place.part, path: place.path };
  const note = bytes.toString('utf8');
  const form = Buffer.from(note).equals(bytes) ? parseNote(note) : 'the note is not UTF-8';
  if (typeof form === 'string') {
    ledger.fail({ ...where, byte: place.offset, check: 'C2SP signed-note', says: `${form}.` });
    return undefined;
  }
  const body = parseBody(form.text);
  if (typeof body === 'string') {
    ledger.fail({ ...where, byte: place.offset, check: 'C2SP tlog-checkpoint', says: `${body}.` });
    return undefined;
  }
  const witnessed: Witnessed[] = [];
  const checkpoint = { ...body, note, text: form.text, witnessed };
  return signedByUnit(form.lines, checkpoint, keys, where, ledger, witnessed) ? checkpoint : undefined;
}

function parseNote(note: string): { readonly text: string; readonly lines: readonly SignatureLine[] } | string {
  const split = note.lastIndexOf('\n\n');
  if (split === -1) return 'The note has no empty line between its text and its signatures';
  if (!note.endsWith('\n')) return 'The note does not end with a line end';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: C2SP signed-note forbids exactly these
  if (/[\x00-\x09\x0b-\x1f]/.test(note)) return 'The note holds a control character other than the line end';
  const lines: SignatureLine[] = [];
  const seen = new Set<string>();
  for (const line of note.slice(split + 2, -1).split('\n')) {
    const match = /^\u2014 ([^\s+]+) (\S+)$/u.exec(line);
    const blob = fromBase64(match?.[2] ?? '');
    if (match === null || blob === undefined || blob.byteLength < 5) return 'A signature line of the note is malformed';
    const name = match[1] as string;
    const id = blob.subarray(0, 4);
    const signer = `${name} ${id.toString('hex')}`;
    if (seen.has(signer)) return `The note bears two signature lines by ${name}`;
    seen.add(signer);
    lines.push({ name, id, signature: blob.subarray(4) });
  }
  return { text: note.slice(0, split + 1), lines };
}

function parseBody(text: string): Pick<Checkpoint, 'unit' | 'size' | 'root'> | string {
  const lines = text.slice(0, -1).split('\n');
  if (lines.length !== 3) return `The text of a checkpoint has three lines, not ${lines.length}`;
  const [origin, digits, base64] = lines as [string, string, string];
  const unit = /^atalaya\/([^\s+]+)$/u.exec(origin)?.[1];
  const size = fromDecimal(digits);
  const root = fromBase64(base64);
  if (unit === undefined) return 'The origin of the checkpoint is not that of a unit (atalaya/…)';
  if (size === undefined) return 'The size in the checkpoint is not a decimal number';
  if (root?.byteLength !== 32) return 'The root in the checkpoint is not the base64 of 32 bytes';
  return { unit, size, root };
}

/** Checks every line whose key is known; true where the unit's own is there and good. */
function signedByUnit(
  lines: readonly SignatureLine[],
  checkpoint: Checkpoint,
  { key, witnesses }: NoteKeys,
  where: Pick<Finding, 'part' | 'path'>,
  ledger: Ledger,
  witnessed: Witnessed[],
): boolean {
  const origin = originOf(checkpoint.unit);
  const ownId = noteKeyId(key, origin);
  const text = Buffer.from(checkpoint.text);
  let own: boolean | undefined;
  for (const { name, id, signature } of lines) {
    const witness = witnesses.find((one) => one.name === name && one.id.equals(id));
    if (name === origin && id.equals(ownId)) {
      ledger.counts.signatures += 1;
      own = verifies(key, text, signature);
    } else if (witness !== undefined) {
      ledger.counts.signatures += 1;
      const time = cosigned(witness, checkpoint.text, signature);
      if (time !== undefined) witnessed.push({ name, time });
      else
        ledger.fail({
          ...where,
          part: 'witness',
          check: 'C2SP tlog-cosignature',
          says: `The cosignature by ${name} is wrong.`,
        });
    } else {
      const says = `A signature line by ${name} was not checked: its key was not given.`;
      ledger.note({ ...where, part: 'witness', check: 'C2SP signed-note', says });
    }
  }
  // A P-256 key has the same id under every name: the name that the auditor was given counts.
  if (own === true && key.name !== undefined && key.name !== origin) own = undefined;
  if (own === true) return true;
  const says =
    own === false
      ? 'The signature of the checkpoint is not one of the given key.'
      : `The checkpoint of ${origin} bears no signature of the given key${key.name === undefined ? '' : ` (${key.name})`}.`;
  ledger.fail({ ...where, check: 'C2SP signed-note', says });
  return false;
}

/** The time that a cosignature states, where it is one of this text. */
function cosigned(witness: WitnessKey, text: string, blob: Buffer): number | undefined {
  if (blob.byteLength !== 72) return undefined;
  const time = blob.readBigUInt64BE(0);
  const message = Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
  return verify(null, message, witness.key, blob.subarray(8)) ? Number(time) : undefined;
}

/** What two checkpoints of one size show against each other. */
export const sameTree = (one: Checkpoint, other: Checkpoint): boolean =>
  one.unit === other.unit && one.size === other.size && one.root.equals(other.root);
