import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AtalayaError } from '../../kernel/errors.ts';
import { type Checkpoint, longestNote, originOf, readCheckpoint } from './checkpoint.ts';
import { Ledger, type Verdict } from './finding.ts';
import { History } from './history.ts';
import { JournalAudit } from './journal-audit.ts';
import { checkKeyCopies } from './key-copies.ts';
import { type PublicKey, parseWitness } from './keys.ts';
import { LogAudit } from './log-audit.ts';
import { namesIn, readUpTo } from './read-file.ts';
import { noteUnnamed, StoreFiles } from './store-files.ts';

export interface Progress {
  readonly stage: 'journal' | 'files';
  /** Bytes of the journal that were checked, or the entry whose files are. */
  readonly done: number;
}

export interface Trust {
  /** The unit's public key, got from somewhere else than the store or the pack. */
  readonly key: PublicKey;
  /** Checkpoints that the auditor kept: texts of signed notes. */
  readonly checkpoints?: readonly string[];
  /** Verifier keys of witnesses, type 0x04. */
  readonly witnesses?: readonly string[];
}

export interface StoreOptions extends Trust {
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the run; the promise is then rejected with its reason. */
  readonly signal?: AbortSignal;
  /** Signatures that are checked at the same time on threads of Node's pool; 0, the standard, checks on the calling thread. */
  readonly workers?: number;
}

const namePlace = { part: 'checkpoint', offset: 0 } as const;

/**
 * Verifies a store against the unit's public key alone. Nothing in the store is trusted, nothing is changed, and no damage throws:
 * it is a finding. Nobody should write to the store meanwhile. Throws `usage-invalid` where the folder is not there or a witness's
 * key is none.
 */
export async function verifyStore(folder: string, options: StoreOptions): Promise<Verdict> {
  const begun = performance.now();
  await mustBeFolder(folder);
  const ledger = new Ledger();
  const keys = { key: options.key, witnesses: (options.witnesses ?? []).map(parseWitness) };
  const newest = await newestCheckpoint(folder, keys, ledger);
  const kept = (options.checkpoints ?? []).flatMap((text, index) => {
    const path = keptName(index);
    const checkpoint = readCheckpoint(Buffer.from(text), keys, { ...namePlace, path }, ledger);
    return checkpoint === undefined ? [] : [{ path, checkpoint }];
  });
  const signed = [...(newest === undefined ? [] : [newest]), ...kept.map(({ checkpoint }) => checkpoint)];
  const unit = newest?.unit ?? kept[0]?.checkpoint.unit ?? unitOfName(options.key.name);

  const log = new LogAudit(join(folder, 'log'), ledger, newest?.size ?? 0, new Set(signed.map(({ size }) => size)));
  const history = new History(ledger);
  const workers = Math.max(0, Math.floor(options.workers ?? 0));
  const step = (stage: Progress['stage']) => (done: number) => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ stage, done });
  };
  const parts = { folder, key: options.key, workers, ledger, log, history, step: step('journal') };
  const journal = new JournalAudit(parts, unit);
  const segments = await segmentsIn(folder, ledger);
  await journal.run(segments);
  await log.finish();
  ledger.unit = journal.unit;

  endOfJournal(journal, signed, segments, ledger);
  if (newest === undefined) withoutCheckpoint(journal.last, ledger);
  else {
    compareNewest(newest, journal, log, ledger);
    ledger.checkpoint = { size: newest.size, root: newest.root.toString('base64') };
    ledger.witnessed = newest.witnessed;
  }
  for (const one of kept) compareKept(one, newest, journal, log, ledger);
  if (journal.unit !== undefined) await checkKeyCopies(folder, 'public', options.key, originOf(journal.unit), ledger);
  await new StoreFiles(folder, ledger, history, segments, step('files')).run();
  await otherFiles(folder, ledger);
  ledger.counts.held = history.held;
  return ledger.verdict((performance.now() - begun) / 1000);
}

export const keptName = (index: number): string => `kept checkpoint ${index + 1}`;

export const unitOfName = (name: string | undefined): string | undefined =>
  name?.startsWith('atalaya/') ? name.slice('atalaya/'.length) : undefined;

export async function mustBeFolder(folder: string): Promise<void> {
  const there = await stat(folder).catch(() => undefined);
  if (there?.isDirectory()) return;
  throw new AtalayaError('usage-invalid', `${folder} is not a folder`, {
    hint: 'Name the folder of a store or of a pack.',
  });
}

type Keys = Parameters<typeof readCheckpoint>[1];

async function newestCheckpoint(folder: string, keys: Keys, ledger: Ledger): Promise<Checkpoint | undefined> {
  const place = { ...namePlace, path: 'log/checkpoint' };
  const content = await readUpTo(join(folder, place.path), longestNote);
  if (content === 'absent') return undefined;
  if (Buffer.isBuffer(content)) return readCheckpoint(content, keys, place, ledger);
  ledger.fail({ part: 'checkpoint', path: place.path, check: 'C2SP tlog-checkpoint', says: content.says });
  return undefined;
}

async function segmentsIn(folder: string, ledger: Ledger): Promise<readonly string[]> {
  const names = await namesIn(folder, 'journal', ledger);
  const segments = names.filter((name) => /^[0-9]{12}\.journal$/.test(name));
  for (const name of names) {
    if (segments.includes(name)) continue;
    const torn = /^[0-9]{12}\.journal\.torn-at-/.test(name);
    if (!torn) noteUnnamed(ledger, `journal/${name}`);
    else {
      const says = 'Bytes that a start cut off a torn tail and kept; no entry is in them.';
      ledger.note({ part: 'journal', path: `journal/${name}`, check: 'spec: layout of a store', says });
    }
  }
  return segments;
}

/** A torn tail is no failure where every signed entry is there. */
function endOfJournal(
  journal: JournalAudit,
  signed: readonly Checkpoint[],
  segments: readonly string[],
  ledger: Ledger,
): void {
  const { tail, last } = journal;
  const size = Math.max(0, ...signed.map((one) => one.size));
  const where = { part: 'journal' as const, check: 'spec: order on disk (entries, tiles, checkpoint)' };
  const missing = `A checkpoint was signed over ${size} entries, the journal holds ${last}`;
  if (tail === undefined) {
    if (size <= last) return;
    const path = segments.length === 0 ? 'journal' : `journal/${segments.at(-1)}`;
    ledger.fail({ ...where, path, says: `${missing}: it was cut or rolled back.` });
  } else if (size > last) {
    ledger.fail({ ...where, path: tail.path, byte: tail.byte, entry: last + 1, says: `${tail.says} ${missing}.` });
  } else {
    const says = `${tail.says} It may be the torn tail of a power cut: no checkpoint covers it.`;
    ledger.note({ ...where, path: tail.path, byte: tail.byte, check: 'spec: torn tail', says });
  }
}

function withoutCheckpoint(last: number, ledger: Ledger): void {
  const where = { part: 'checkpoint' as const, path: 'log/checkpoint', check: 'C2SP tlog-checkpoint' };
  if (last === 0) ledger.note({ ...where, says: 'The log has no checkpoint, and no entry.' });
  else
    ledger.fail({
      ...where,
      says: `No good checkpoint covers the ${last} entries: nothing proves their order and number.`,
    });
}

function compareNewest(newest: Checkpoint, journal: JournalAudit, log: LogAudit, ledger: Ledger): void {
  const where = { part: 'checkpoint' as const, path: 'log/checkpoint' };
  const root = log.rootAt(newest.size);
  if (root === undefined && newest.size <= journal.last) {
    const says = `The root cannot be computed: an entry of the ${newest.size} is damaged or missing.`;
    ledger.note({ ...where, check: 'RFC 6962 §2.1', says });
  } else if (root !== undefined && !root.equals(newest.root)) {
    const says = `The ${newest.size} entries of the journal do not give the root that the checkpoint was signed over: one of them was changed.`;
    ledger.fail({ ...where, part: 'journal', path: 'journal', check: 'RFC 6962 §2.1', says });
  }
  const beyond = journal.last - newest.size;
  if (beyond > 0) {
    const says = `${beyond} ${beyond === 1 ? 'entry is' : 'entries are'} newer than the checkpoint: signed, but not yet covered by it.`;
    ledger.note({ ...where, check: 'spec: checkpoint', says });
  }
}

/** What the auditor kept must be what the log still begins with. */
function compareKept(
  { path, checkpoint }: { readonly path: string; readonly checkpoint: Checkpoint },
  newest: Checkpoint | undefined,
  journal: JournalAudit,
  log: LogAudit,
  ledger: Ledger,
): void {
  const where = { part: 'checkpoint' as const, path, check: 'RFC 6962 §2.1.2' };
  if (journal.unit !== undefined && checkpoint.unit !== journal.unit) {
    ledger.fail({
      ...where,
      check: 'spec: one unit a log',
      says: `It is of the unit ${checkpoint.unit}, the store of ${journal.unit}.`,
    });
    return;
  }
  if (newest !== undefined && newest.size < checkpoint.size) {
    const says = `The store was rolled back: it was signed over ${checkpoint.size} entries, its checkpoint covers ${newest.size}.`;
    ledger.fail({ ...where, says });
  } else if (journal.last < checkpoint.size) {
    const says = `The store was rolled back: it was signed over ${checkpoint.size} entries and holds ${journal.last}.`;
    ledger.fail({ ...where, says });
  }
  const root = log.rootAt(checkpoint.size);
  if (root !== undefined && !root.equals(checkpoint.root)) {
    const says = `The log was rewritten: its first ${checkpoint.size} entries do not give the root that this checkpoint was signed over.`;
    ledger.fail({ ...where, says });
  }
}

/** Files outside the folders that were walked. The index is convenience and never truth; nobody looks at it. */
async function otherFiles(folder: string, ledger: Ledger): Promise<void> {
  const known = ['lock', 'journal', 'blobs', 'keys', 'index', 'log', 'public', 'erasing', 'desk.sock', 'desk.part'];
  for (const name of await namesIn(folder, '', ledger)) if (!known.includes(name)) noteUnnamed(ledger, name);
  for (const name of await namesIn(folder, 'erasing', ledger)) {
    const says = `An erasure of entry ${name} was begun and is not finished; the next start of the unit sees to it.`;
    ledger.note({ part: 'erasure', path: `erasing/${name}`, check: 'layout of a store', says });
  }
  for (const name of await namesIn(folder, 'public', ledger)) {
    if (name !== 'unit.pem' && name !== 'unit.vkey') noteUnnamed(ledger, `public/${name}`);
  }
}
