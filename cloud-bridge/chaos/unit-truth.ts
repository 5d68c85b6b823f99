import { systemFiles } from '../../device/kernel/files.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import type { LaneEvent, LaneSource } from '../contract/lane-source.ts';
import type { Lane } from '../contract/outbox.ts';
import type { Spool } from '../unit-end/outbox/spool.ts';
import { readSpoolState } from '../unit-end/outbox/spool-state.ts';
import { type Note, readOracle } from './oracle.ts';
import { printOf, printOfText } from './print.ts';
import { placesOf, type UnitOptions } from './unit-options.ts';
import { openUnitStores } from './unit-stores.ts';

/** What a unit's stores and notes say of one lane: what has to be in the archive, and what may be. */
export interface LaneTruth {
  readonly unit: string;
  readonly lane: Lane;
  /** Undefined where there is nothing in it. */
  readonly stream: string | undefined;
  /** The newest sequence that was given; all from 1 to it were. */
  readonly last: number;
  /** Prints of the events that are known by their number. */
  readonly sealed: ReadonlyMap<number, string>;
  /** Prints of events that were offered and whose answer is not known: each may be in the archive once, under a number not in `sealed`. */
  readonly possible: ReadonlySet<string>;
  /** The order of the offers, by print: grows by one with each. Empty where the sequence is that order. */
  readonly offered: ReadonlyMap<string, number>;
  /** What the bound of the telemetry has dropped: not more events than this, none of them after this one. 0 for the other lanes. */
  readonly dropped: { readonly events: number; readonly upTo: number };
}

export interface UnitTruth {
  readonly unit: string;
  readonly lanes: readonly LaneTruth[];
  /** Where stores and notes contradict each other: something durable is not there any more, or has changed. */
  readonly violations: readonly string[];
}

/** Opens the stores of a unit that has ended, and reads all that is in them. Throws their faults. */
export async function readTruth(
  options: Pick<UnitOptions, 'unit' | 'folder' | 'witness' | 'telemetryBytes'>,
): Promise<UnitTruth> {
  const places = placesOf(options.folder);
  const notes = await readOracle(places.oracle);
  const stores = await openUnitStores(options);
  try {
    const { unit } = options;
    const violations: string[] = [];
    const say = (text: string) => void violations.push(text);
    const droppedTo = (await readSpoolState(systemFiles, places.telemetry))?.droppedTo ?? 0;
    const lanes = [
      await spoolTruth(unit, 'alert', stores.alerts, 0, notes, say),
      await ledgerTruth(unit, stores.lane, notes, say),
      await spoolTruth(unit, 'telemetry', stores.telemetry, droppedTo, notes, say),
    ];
    return { unit, lanes, violations };
  } finally {
    await stores.close();
  }
}

type Say = (violation: string) => void;

/** The ledger has everything that was ever sealed; the notes are a part of it. */
async function ledgerTruth(unit: string, lane: LaneSource, notes: readonly Note[], say: Say): Promise<LaneTruth> {
  const sealed = new Map<number, string>();
  const payloads = new Map<number, string>();
  for await (const event of lane.read(1)) {
    sealed.set(event.sequence, printOfStored(event));
    payloads.set(event.sequence, sha256(event.json ?? Buffer.alloc(0)));
  }
  for (const note of notes) {
    if (note.note !== 'sealed') continue;
    const found = payloads.get(note.sequence);
    if (found === undefined) say(`lost on the unit: ${unit}/infraction/${note.sequence} was sealed`);
    else if (found !== note.sha256) say(`altered on the unit: ${unit}/infraction/${note.sequence}`);
  }
  const head = { unit, lane: 'infraction', stream: lane.stream, last: lane.last, sealed } as const;
  return { ...head, possible: new Set(), offered: new Map(), dropped: { events: 0, upTo: 0 } };
}

/** A queue forgets what was acknowledged: there the notes are what is known. */
async function spoolTruth(
  unit: string,
  lane: 'alert' | 'telemetry',
  spool: Spool,
  droppedTo: number,
  notes: readonly Note[],
  say: Say,
): Promise<LaneTruth> {
  const { sealed, possible, offered } = notedOf(unit, lane, spool, notes, say);
  for await (const event of spool.read(1)) {
    const print = printOfStored(event);
    const noted = sealed.get(event.sequence);
    if (noted !== undefined && noted !== print) say(`altered on the unit: ${unit}/${lane}/${event.sequence}`);
    if (noted === undefined && !possible.delete(print)) say(`never offered: ${unit}/${lane}/${event.sequence}`);
    sealed.set(event.sequence, print);
  }
  const dropped = { events: spool.dropped, upTo: droppedTo };
  return { unit, lane, stream: spool.stream, last: spool.last, sealed, possible, offered, dropped };
}

function notedOf(unit: string, lane: Lane, spool: Spool, notes: readonly Note[], say: Say) {
  const prints = new Map<number, string>();
  const sealed = new Map<number, string>();
  const offered = new Map<string, number>();
  const possible = new Set<string>();
  for (const note of notes) {
    if (note.note === 'sealed' || note.lane !== lane) continue;
    if (note.note === 'will') {
      prints.set(note.n, note.print);
      offered.set(note.print, note.n);
      possible.add(note.print);
      continue;
    }
    const print = prints.get(note.n) ?? '';
    possible.delete(print);
    if (note.stream !== spool.stream) say(`lost on the unit: ${unit}/${lane} began its numbering anew`);
    else if (note.sequence > spool.last) say(`lost on the unit: ${unit}/${lane}/${note.sequence} was taken`);
    if (sealed.has(note.sequence)) say(`doubled on the unit: ${unit}/${lane}/${note.sequence} was given twice`);
    sealed.set(note.sequence, print);
  }
  return { sealed, possible, offered };
}

const printOfStored = ({ kind, time, data, json }: LaneEvent): string =>
  json === undefined ? printOf({ kind, time, data }) : printOfText(kind, time, json.toString());
