import { randomBytes } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import { type Files, systemFiles } from '../kernel/files.ts';
import { FolderLock } from '../kernel/folder-lock.ts';
import { systemTimer, type Timer } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds, seconds, toMilliseconds } from '../kernel/units.ts';
import type { CheckpointRhythm } from './checkpoint-keeper.ts';
import type { Keystore } from './keystore/keystore.ts';
import type { RetentionPolicy } from './retention/plan-retention.ts';
import type { RandomBytes } from './sealing/plate-commitment.ts';
import type { Recipients } from './sealing/recipients.ts';

export interface StoreOptions {
  /** Id of the unit, in every record and every id. */
  readonly unit: string;
  /** Id of this start of the machine or of the program. */
  readonly boot: string;
  readonly clock: Clock;
  /** Signs every record and every checkpoint; whoever opened it closes it after the store. */
  readonly keystore: Keystore;
  /** Who can open the pictures; without, none is kept. */
  readonly recipients?: Recipients | undefined;
  /** Space that is left to journal and log: with less, new evidence is refused. Default 0. */
  readonly reserveBytes?: number;
  /** With less space free, evidence goes by the policies that say so. Default 0. */
  readonly keepFreeBytes?: number;
  /** What may be erased, and when; default nothing. */
  readonly policies?: readonly RetentionPolicy[];
  /** Default 256 entries or 10 minutes. */
  readonly checkpoints?: CheckpointRhythm;
  /** Verifier keys of the witnesses whose cosignatures are kept; default none. */
  readonly witnesses?: readonly string[];
  /** Make the hashes of the log anew from the journal: an opening checks only those that it needs to go on. Default false. */
  readonly rebuildLog?: boolean;
  readonly timer?: Timer;
  readonly files?: Files;
  readonly randomBytes?: RandomBytes;
  /** Takes the folder for this process alone. */
  readonly takeLock?: (folder: string) => Promise<Lock>;
  /** Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Longest time of one seal, waiting included; default 30 s. From half of it on only what the record needs is made: on a slow board late beats lost. */
  readonly sealDeadline?: Milliseconds;
}

/** With every default filled in. */
export type CompleteOptions = Required<StoreOptions>;

export interface Lock {
  release(): Promise<void>;
}

export function completeOptions(options: StoreOptions): CompleteOptions {
  return {
    recipients: undefined,
    reserveBytes: 0,
    keepFreeBytes: 0,
    policies: [],
    checkpoints: { entries: 256, time: toMilliseconds(seconds(600)) },
    witnesses: [],
    rebuildLog: false,
    timer: systemTimer,
    files: systemFiles,
    randomBytes,
    takeLock: FolderLock.take,
    segmentBytes: 16 * 1024 * 1024,
    sealDeadline: milliseconds(30_000),
    ...options,
  };
}

/** What policies make room for: the reserve is never touched before they had their turn. */
export const wantedFree = ({ reserveBytes, keepFreeBytes }: CompleteOptions): number =>
  Math.max(reserveBytes, keepFreeBytes);
