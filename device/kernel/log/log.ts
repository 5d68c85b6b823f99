import { sha256 } from '../hash.ts';
import type { Milliseconds } from '../units.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
/** From the most talkative to the most silent. */
export type LogLevel = (typeof logLevels)[number];

/**
 * What a line says beside its message. The named ones are how lines are found again, from the frame to the event to the bridge; never a
 * plate's text.
 */
export interface LogFields {
  /** What the line is about, of the whole program: `capture`, `outbox`, ... */
  readonly part?: string;
  readonly unit?: string;
  readonly frame?: number;
  readonly track?: number;
  /** Id of an evidence record. */
  readonly evidence?: string;
  /** Of an event, as `eventName` writes it. */
  readonly event?: string;
  /** As `correlationOf` derives it: the same on the unit and at the centre. */
  readonly correlation?: string;
  /** A fault: its code, message and hint are written, of one that is not ours its stack as well. */
  readonly error?: unknown;
  readonly [name: string]: unknown;
}

/**
 * Lines for the people who operate the unit. No call waits or throws, whatever the disk does; lines that find no place are counted and
 * the count is written when there is place again.
 */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** The same log; its lines carry `fields` too. */
  child(fields: LogFields): Log;
  /**
   * From now on lines below `level` are not written, here and in every child and parent. With `forMs` the level goes back by itself to
   * the last one that was set without an end.
   */
  setLevel(level: LogLevel, forMs?: Milliseconds): void;
  readonly level: LogLevel;
  /** Lines that could not be written since the start. */
  readonly dropped: number;
  /** Writes what is left, as far as the disk takes it, within five seconds. */
  close(): Promise<void>;
}

/**
 * The correlation id of what a unit did: 32 hexadecimal digits (the length of a W3C trace id), derived and not drawn, so that the unit
 * and the centre find the same one without telling each other. `id` is the id of the evidence record, or the name of an event.
 */
export function correlationOf(unit: string, id: string): string {
  return sha256(`atalaya/correlation/1\n${unit}\n${id}`).slice(0, 32);
}

/** The name of an event in a log: `infraction/3f0c.../17`. */
export const eventName = (lane: string, stream: string, sequence: number): string => `${lane}/${stream}/${sequence}`;

/** For whoever is given no log. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
  setLevel: () => undefined,
  level: 'error',
  dropped: 0,
  close: () => Promise.resolve(),
};
