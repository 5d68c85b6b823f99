import { userInfo } from 'node:os';
import type { Authorship } from '../../evidence/custody.ts';
import type { AuditedStore } from '../../evidence/desk/audited-store.ts';
import type { ActionLine, EvidenceLine } from '../../evidence/index/index-store.ts';
import type { Action } from '../../evidence/record/action-record.ts';
import { sequenceOf } from '../../evidence/record/make-record.ts';
import type { Entry } from '../../evidence/record/read-entry.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { fitted, isPrintable } from './lines.ts';
import { openStore, type StoreFlags } from './store-at.ts';

/** Who looks, and why: without both nothing is shown and nothing is done. */
export interface ActFlags extends StoreFlags {
  readonly who: string;
  readonly why: string;
}

export interface ListFlags extends ActFlags {
  readonly rule?: string;
  readonly acts?: boolean;
  readonly json?: boolean;
}

type Print = (text: string) => void;

/** Throws `usage-invalid` before anything is opened. */
export function authorship({ who, why }: Pick<ActFlags, 'who' | 'why'>): Authorship {
  return {
    actor: { kind: 'person', name: stated('--who', who), account: userInfo().username },
    reason: stated('--why', why),
  };
}

/** Characters of what a person states. */
const longest = 500;

/** What is to stand in the log for good. */
function stated(flag: string, text: string): string {
  const refused = (why: string, hint: string) => new AtalayaError('usage-invalid', `${flag} ${why}`, { hint });
  const plain = text.trim();
  if (plain === '') throw refused('is empty', 'Every act on evidence is stated in the log with a name and a reason.');
  if (plain.length > longest) throw refused(`is longer than ${longest} characters`, 'Name the file that says more.');
  if (!isPrintable(plain)) throw refused('holds characters that cannot be printed', 'Write it as one line of text.');
  return plain;
}

/** Runs `work` on an opened store and closes it, whatever happens. */
export async function onStore<T>(flags: StoreFlags, work: (store: AuditedStore) => Promise<T>): Promise<T> {
  const store = await openStore(flags);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** One line an evidence or, with `--acts`, an act; the newest last. */
export async function list(flags: ListFlags, print: Print, signal: AbortSignal): Promise<void> {
  const by = authorship(flags);
  await onStore(flags, async (store) => {
    const upTo = await store.act({ kind: 'list' }, by);
    let shown = 0;
    for await (const line of store.lines(1)) {
      signal.throwIfAborted();
      if (line.position.sequence >= upTo) break;
      const wanted = flags.acts === true ? line.kind !== 'evidence' : line.kind === 'evidence';
      if (!wanted || (flags.rule !== undefined && !(line.kind === 'evidence' && line.rule === flags.rule))) continue;
      shown += 1;
      if (flags.json === true) print(JSON.stringify(line));
      else if (line.kind === 'evidence') print(fitted(evidenceLine(line)));
      else if (line.kind === 'action') print(fitted(actionLine(line, await aboutOf(store, line))));
      else print(fitted(`${line.position.sequence}  ${line.schema}: written by newer software`));
    }
    if (flags.json === true) return;
    const what = flags.acts === true ? ['act', 'acts'] : ['evidence record', 'evidence records'];
    print(shown === 0 ? 'nothing' : `${shown} ${shown === 1 ? what[0] : what[1]}`);
  });
}

function evidenceLine({ id, time, dated, rule, lane, holds, erased }: EvidenceLine): string {
  const state = erased !== null ? '  erased' : holds.length > 0 ? `  held: ${holds.join(', ')}` : '';
  const when = dated ? time.slice(0, 19).replace('T', ' ') : `date unknown, ${time.slice(11, 19)}`;
  return `${id}  ${when}  ${rule}${lane === null ? '' : `, ${lane}`}${state}`;
}

/** What an act was about; the index knows no more than one evidence of each. */
async function aboutOf(store: AuditedStore, { position }: ActionLine): Promise<string> {
  const entry = await store.entry(position.sequence);
  return entry?.kind === 'action' ? aboutAction(entry.record.action) : '';
}

function aboutAction(action: Action): string {
  if (action.kind === 'list') return '';
  if (action.kind === 'test') return action.picture === null ? ' without a picture' : ' with a sealed picture';
  if (action.kind === 'command') {
    return ` ${action.name} (${action.id}): ${action.outcome}${action.reason === undefined ? '' : `, ${action.reason}`}`;
  }
  if (action.kind === 'configuration') {
    const which = action.version === undefined ? '' : ` version ${action.version}`;
    return `${which} ${action.outcome}${action.reasons.length === 0 ? '' : `: ${action.reasons.join('; ')}`}`;
  }
  if (action.kind === 'update') {
    const { outcome, program, reasons } = action;
    const why = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
    return ` ${outcome}, the program is ${program.version} (release ${program.release})${why}`;
  }
  const ids = [action.evidence].flat();
  const more = ids.length > 3 ? ` and ${ids.length - 3} more` : '';
  const named = 'hold' in action ? ` (${action.hold})` : 'opened' in action && action.opened ? ' (opened)' : '';
  return ` ${ids.slice(0, 3).join(', ')}${more}${named}`;
}

function actionLine({ position, time, action, actor, reason }: ActionLine, about: string): string {
  return `${position.sequence}  ${time.slice(0, 19).replace('T', ' ')}  ${action}${about}  ${actor}: ${reason}`;
}

/** The record of one evidence, or of any entry by its number, as it was signed. */
export async function show(id: string, flags: ActFlags, print: Print): Promise<void> {
  const by = authorship(flags);
  await onStore(flags, async (store) => {
    const number = /^[1-9][0-9]{0,11}$/.test(id) ? Number(id) : sequenceOf(store.unit, id);
    const entry = number === undefined ? undefined : await store.entry(number);
    if (entry === undefined || (entry.kind !== 'evidence' && String(number) !== id)) throw unknown(id);
    await store.act(
      entry.kind === 'evidence' ? { kind: 'read', evidence: [entry.record.id], opened: false } : { kind: 'list' },
      by,
    );
    print(JSON.stringify(JSON.parse(entry.bytes.toString()), undefined, 2));
  });
}

/** The entry of an evidence's id. Throws `evidence-unknown`. */
export async function evidenceOf(store: AuditedStore, id: string): Promise<Extract<Entry, { kind: 'evidence' }>> {
  const entry = await store.entry(sequenceOf(store.unit, id) ?? 0);
  if (entry?.kind === 'evidence') return entry;
  throw unknown(id);
}

const unknown = (id: string): AtalayaError =>
  new AtalayaError('evidence-unknown', `there is no evidence ${id} here`, {
    hint: 'The command `list` shows the ids, and with --acts the numbers of other entries.',
  });

export interface HoldFlags extends ActFlags {
  readonly hold: string;
}

export async function hold(id: string, flags: HoldFlags, print: Print): Promise<void> {
  const [by, name] = [authorship(flags), stated('--hold', flags.hold)];
  await onStore(flags, async (store) => {
    const sequence = await store.act({ kind: 'hold', evidence: id, hold: name }, by);
    print(`${id} is held by ${name} (entry ${sequence})\n  Nothing erases it until this hold is released.`);
  });
}

export async function release(id: string, flags: HoldFlags, print: Print): Promise<void> {
  const [by, name] = [authorship(flags), stated('--hold', flags.hold)];
  await onStore(flags, async (store) => {
    const sequence = await store.act({ kind: 'release', evidence: id, hold: name }, by);
    print(`the hold ${name} on ${id} is released (entry ${sequence})`);
  });
}

export async function erase(id: string, flags: ActFlags, print: Print): Promise<void> {
  const by = authorship(flags);
  await onStore(flags, async (store) => {
    const sequence = await store.act({ kind: 'erase', evidence: id }, by);
    print(`${id} is erased (entry ${sequence})\n  Its key file and its files are destroyed; record and proofs stay.`);
  });
}
