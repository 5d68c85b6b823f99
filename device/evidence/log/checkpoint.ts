import { hashBytes } from './merkle.ts';
import { formatNote, isOf, type Note, type NoteKey, parseNote, signatureHolds, strictBase64 } from './note.ts';

/** Root and size of a log, signed (https://c2sp.org/tlog-checkpoint). */
export interface Checkpoint extends TreeHead {
  /** What is signed: origin, size and root, a line each. */
  readonly text: string;
  /** The whole signed note, as it lies in `log/checkpoint`. */
  readonly note: string;
}

export interface TreeHead {
  /** Which log: `atalaya/<unit>`. */
  readonly origin: string;
  /** Leaves. */
  readonly size: number;
  readonly root: Buffer;
}

/** What a stored checkpoint is to the holder of a key. */
export type ReadCheckpoint =
  | { readonly kind: 'good'; readonly checkpoint: Checkpoint; readonly signatures: Note['signatures'] }
  /** No checkpoint, or not what its key signed: bytes were lost or changed. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** Of another log or another key. */
  | { readonly kind: 'foreign'; readonly reason: string };

export function formatTreeHead({ origin, size, root }: TreeHead): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** The tree head in the text of a note; undefined where the text is none. Lines after the third are not interpreted. */
export function parseTreeHead(text: string): TreeHead | undefined {
  const [origin, size, root, ...more] = text.split('\n');
  if (origin === undefined || origin === '' || size === undefined || root === undefined) return undefined;
  // Only the end of the last line leaves an empty string behind.
  if (more.pop() !== '' || more.includes('')) return undefined;
  const count = /^(0|[1-9][0-9]{0,15})$/.test(size) ? Number(size) : Number.NaN;
  const hash = strictBase64(root);
  if (!Number.isSafeInteger(count) || hash?.byteLength !== hashBytes) return undefined;
  return { origin, size: count, root: hash };
}

export function makeCheckpoint(head: TreeHead, signatures: Note['signatures']): Checkpoint {
  const text = formatTreeHead(head);
  return { origin: head.origin, size: head.size, root: head.root, text, note: formatNote({ text, signatures }) };
}

/** Reads a signed checkpoint and checks whose it is. Lines of other keys are left as they are. */
export function readCheckpoint(content: Uint8Array, key: NoteKey): ReadCheckpoint {
  const parsed = parseNote(content);
  if (!parsed.ok) return { kind: 'unreadable', reason: `not a signed note: ${parsed.reason}` };
  const { text, signatures } = parsed.note;
  const head = parseTreeHead(text);
  if (head === undefined) return { kind: 'unreadable', reason: 'its text is not origin, size and root' };
  if (head.origin !== key.name) {
    return { kind: 'foreign', reason: `it is of the log ${head.origin}, and this unit's log is ${key.name}` };
  }
  const own = signatures.filter((line) => isOf(line, key));
  if (own.length === 0) {
    const ids = signatures.map(({ name, keyId }) => `${name}+${keyId.toString('hex')}`).join(', ');
    return { kind: 'foreign', reason: `it is signed by ${ids}, and this unit's key is ${key.id.toString('hex')}` };
  }
  if (!own.every((line) => signatureHolds(key, text, line))) {
    return { kind: 'unreadable', reason: `the signature of ${key.name} does not hold` };
  }
  return { kind: 'good', checkpoint: { ...head, text, note: formatNote(parsed.note) }, signatures };
}
