import { readWholeFile } from '../../device/kernel/durable-file.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import { bundleManifest, manifestName } from '../contract/bundle.ts';
import type { UpdateSource } from '../contract/parts.ts';
import type { partFolder, SlotsState, SlotView } from '../contract/slots.ts';
import { firstDataForm, readsOf } from './fit-parts.ts';
import type { UpdateParts } from './update-parts.ts';
import type { UpdateState } from './update-state.ts';
import {
  type Building,
  type PersonsWord,
  partKey,
  type RunningParts,
  type UpdateFacts,
  type UpdateStep,
  type Where,
} from './update-step.ts';

/** To a person who wanted something. */
export interface Answer {
  readonly good: boolean;
  readonly words: string;
}

/** What is known since this start only, and may be lost: a start later it is found out again. */
export interface UpdateSession {
  /** Monotonic ms. */
  readonly begun: number;
  ready: Record<string, string>;
  building: Building | undefined;
  freed: boolean;
  leaving: boolean;
  /** Monotonic ms. */
  restartAsked: number | undefined;
  /** After a fault of a step of this kind; `at` in monotonic ms. */
  resume: { readonly at: number; readonly reason: string; readonly of: UpdateStep['kind'] } | undefined;
  /** Faults in a row. */
  row: number;
  /** Monotonic ms. */
  nextCheck: number;
  /** Monotonic ms: a hint leads to no check before. */
  hintAfter: number;
  /** In a row. */
  checksFailed: number;
  /** Checks in a row that came to nothing because the clock was not good. */
  clockRefused: number;
  /** A file that the link did not give as it should be, how often in a row, and when it is asked for again, monotonic ms. */
  missed: { readonly sha256: string; readonly row: number; readonly at: number; readonly reason: string } | undefined;
  /** Bytes in the slot that may be written, of these slots. */
  freeable: { readonly of: string; readonly bytes: number } | undefined;
  /** Monotonic ms: what ended is not told before, after it could not be told so often in a row. */
  reportAfter: number;
  reportsFailed: number;
  /** Monotonic ms: the stick is not looked for before, after it was gone. */
  stickAfter: number;
  /** The folder that a person named, to be looked at, and then worked from. */
  stick:
    | {
        readonly folder: string;
        readonly source: UpdateSource;
        checked: boolean;
        readonly answer: (answer: Answer) => void;
      }
    | undefined;
  word: (PersonsWord & { readonly answer: (answer: Answer) => void }) | undefined;
  /** What was remembered was lost, and no director has said since what is wanted. */
  forgot: boolean;
  trial: {
    /** Monotonic ms; until when running on trial is written down. */
    countedTo: number;
    goodSince: number | undefined;
    goodTo: number;
    failing: readonly string[] | undefined;
    asBefore: readonly string[];
    testAt: number;
  };
  progress: { readonly sha256: string; readonly done: number; readonly total: number } | undefined;
  running: { readonly of: string; readonly parts: RunningParts } | undefined;
}

/** `monotonic`: ms, now. */
export const newSession = (monotonic: number): UpdateSession => ({
  begun: monotonic,
  ready: {},
  building: undefined,
  freed: false,
  leaving: false,
  restartAsked: undefined,
  resume: undefined,
  row: 0,
  nextCheck: monotonic,
  hintAfter: 0,
  checksFailed: 0,
  clockRefused: 0,
  missed: undefined,
  freeable: undefined,
  reportAfter: 0,
  reportsFailed: 0,
  stickAfter: 0,
  stick: undefined,
  word: undefined,
  forgot: false,
  trial: { countedTo: monotonic, goodSince: undefined, goodTo: 0, failing: undefined, asBefore: [], testAt: 0 },
  progress: undefined,
  running: undefined,
});

/** How long a start of another slot may take until it is asked for again, ms. */
const restartPatience = 60_000;

/** Looks at everything that a plan is made from. Throws what the parts throw. */
export async function gatherFacts(
  state: UpdateState,
  session: UpdateSession,
  parts: UpdateParts,
  signal: AbortSignal,
): Promise<UpdateFacts> {
  const { clock, slots, downloads, files, root } = parts;
  const found = await slots.state();
  const held = state.job;
  const wanted = held === undefined ? [] : [...held.install, ...held.patches];
  const have: Record<string, number> = {};
  for (const target of wanted) have[target.sha256] = await downloads.have(target);
  const monotonic = clock.monotonic();
  const now = clock.utc();
  const { trial, missed, resume } = session;
  // What waits is measured on the monotonic clock: whoever sets the date makes it neither longer nor shorter.
  const utcOf = (at: number) => now + at - monotonic;
  return {
    unit: parts.unit,
    now,
    clockGood: parts.clockGood(),
    slots: found,
    have,
    ready: session.ready,
    source: sourceOf(state, session, parts)?.where,
    mayReport: session.reportAfter <= monotonic,
    check: checkOf(session, parts, monotonic),
    nextCheck: utcOf(session.nextCheck),
    resume: resume === undefined ? undefined : { ...resume, at: utcOf(resume.at) },
    missed: missed === undefined ? undefined : { ...missed, at: utcOf(missed.at) },
    room: (await files.space(root)).free,
    freed: session.freed,
    freeable: held === undefined || session.building !== undefined ? 0 : await freeableBytes(found, session, parts),
    running: held === undefined ? noParts : await runningParts(found, held.patches.length > 0, session, parts, signal),
    building: session.building,
    trial: {
      // Nothing of a trial is used up before its slot runs.
      usedSeconds:
        (state.trial?.usedSeconds ?? 0) +
        (found.running.slot === found.trial?.slot.slot ? (monotonic - trial.countedTo) / 1000 : 0),
      heldSeconds: trial.goodSince === undefined ? 0 : (trial.goodTo - trial.goodSince) / 1000,
      failing: trial.failing,
      asBefore: trial.asBefore,
      testAt: utcOf(trial.testAt),
    },
    leaving: session.leaving,
    forgot: session.forgot,
    restartAsked: session.restartAsked !== undefined && monotonic - session.restartAsked < restartPatience,
    word: session.word,
    limits: parts.limits(),
  };
}

const noParts: RunningParts = { trees: {}, bytes: {}, reads: [] };

/** From where the job's files come now: the stick that it came from while it is there, else the link. */
export function sourceOf(
  { job }: UpdateState,
  { stick }: UpdateSession,
  { link }: Pick<UpdateParts, 'link'>,
): { readonly where: Where; readonly source: UpdateSource } | undefined {
  if (stick !== undefined && job?.stick === stick.folder) return { where: 'stick', source: stick.source };
  const source = link();
  return source === undefined ? undefined : { where: 'link', source };
}

export function checkOf(
  session: UpdateSession,
  { link, clockGood }: UpdateParts,
  monotonic: number,
): Where | undefined {
  const { stick, nextCheck, clockRefused } = session;
  if (stick !== undefined && !stick.checked) return 'stick';
  // Nothing that came could be believed: the link is spared until there is a clock.
  if (clockRefused > 0 && !clockGood()) return undefined;
  return nextCheck <= monotonic && link() !== undefined ? 'link' : undefined;
}

/** Checks that hints lead to, ms: who can send hints, and nothing else, costs no more than this. */
const hintEvery = 60_000;

/** There may be something new: it is asked for at once, or when a hint may again. What waits after faults goes on waiting. */
export function hint(session: UpdateSession, monotonic: number): void {
  if (session.checksFailed > 0 || session.clockRefused > 0) return;
  const due = Math.max(monotonic, session.hintAfter);
  if (session.nextCheck <= due) return;
  session.nextCheck = due;
  session.hintAfter = due + hintEvery;
}

/** Of the slot that `prepare` would empty, or of the larger where it may be either. Only updates write there, and forget this when they do. */
async function freeableBytes(
  { confirmed, running, others }: SlotsState,
  session: UpdateSession,
  { files, root }: UpdateParts,
): Promise<number> {
  const of = `${confirmed.slot} ${running.slot} ${others.map(({ slot, record }) => `${slot} ${record?.job ?? ''}`).join(' ')}`;
  if (session.freeable?.of === of) return session.freeable.bytes;
  let most = 0;
  for (const slot of ['a', 'b'] as const)
    if (slot !== confirmed.slot && slot !== running.slot)
      most = Math.max(most, await bytesBelow(files, `${root}/${slot}`));
  session.freeable = { of, bytes: most };
  return most;
}

/** What runs does not change while it runs, so it is looked at once. */
async function runningParts(
  { running }: SlotsState,
  patches: boolean,
  session: UpdateSession,
  parts: UpdateParts,
  signal: AbortSignal,
): Promise<RunningParts> {
  const of = `${running.slot} ${running.record?.job ?? ''} ${patches}`;
  if (session.running?.of === of) return session.running.parts;
  const { files, installer } = parts;
  const folders = running.record?.parts ?? [{ kind: 'program', name: 'unit' } as const];
  const trees: Record<string, string> = {};
  const bytes: Record<string, number> = {};
  for (const part of folders) {
    const folder = folderOf(running, part);
    bytes[partKey(part)] = await bytesBelow(files, folder);
    const tree = 'tree' in part ? part.tree : patches ? await installer.digest(folder, signal) : undefined;
    if (tree !== undefined) trees[partKey(part)] = tree;
  }
  const found: RunningParts = { trees, bytes, reads: await readsBelow(files, running.program) };
  session.running = { of, parts: found };
  return found;
}

export const folderOf = (view: SlotView, part: Parameters<typeof partFolder>[0]): string =>
  part.kind === 'program' ? view.program : `${view.components ?? ''}/${part.kind}/${part.name}`;

async function bytesBelow(files: TreeFiles, path: string): Promise<number> {
  const node = await files.look(path);
  if (node?.kind === 'file') return node.size;
  if (node?.kind !== 'folder') return 0;
  let bytes = 0;
  for (const name of await files.list(path)) bytes += await bytesBelow(files, `${path}/${name}`);
  return bytes;
}

/** An image that was not made of a bundle has no manifest; what one says that cannot be read is taken as nothing said. */
async function readsBelow(files: TreeFiles, program: string): Promise<readonly number[]> {
  const bytes = await readWholeFile(files, `${program}/${manifestName}`);
  if (bytes === undefined) return [firstDataForm];
  try {
    return readsOf(bundleManifest.parse(JSON.parse(bytes.toString('utf8'))));
  } catch {
    return [firstDataForm];
  }
}
