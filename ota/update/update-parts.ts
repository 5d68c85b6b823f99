import type { Clock } from '../../device/kernel/clock.ts';
import type { Random } from '../../device/kernel/supervise.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import type { SlotPart } from '../contract/bundle.ts';
import type { JobUpdate } from '../contract/job.ts';
import type { UpdateDownloads, UpdateInstaller, UpdateSource, UpdateTrust } from '../contract/parts.ts';
import type { Slots } from '../contract/slots.ts';
import type { UpdateHistory } from './update-history.ts';
import type { UpdateStanding } from './update-standing.ts';
import type { UpdateLimits } from './update-step.ts';

/** What became of an update, for the ledger of evidence. */
export interface UpdateAct {
  /** Absent where metadata was refused before a job was known. */
  readonly job?: string;
  readonly outcome: 'trial' | 'confirmed' | 'rolled-back' | 'refused';
  /** What runs; `tree` where it came as an update. */
  readonly program: { readonly version: string; readonly release: number; readonly tree?: string };
  /** What runs beside it and came as an update. */
  readonly beside?: readonly Pick<SlotPart, 'kind' | 'name' | 'version' | 'release' | 'tree'>[];
  /** Each as `code: words`. */
  readonly reasons: readonly string[];
}

/** Something that speaks against what runs. */
export interface Trouble {
  /** Of a closed list, with what it is of where there are several: one trouble has the same code in every test. */
  readonly code: string;
  readonly says: string;
  /** How bad it is, where that can be said: 2 is twice as bad as 1. */
  readonly degree?: number;
  /** Held against a program also where the one before had it: with it nobody knows whether the unit does its work at all. */
  readonly vital: boolean;
}

export interface SelfTest {
  /** None: the unit is well. */
  readonly troubles: readonly Trouble[];
  /** The unit has only begun: what it suffers from cannot be looked at yet. */
  readonly early?: boolean;
}

/** What an update is done with. */
export interface UpdateParts {
  readonly unit: string;
  /** What the program that came with the image says of itself. */
  readonly image: { readonly version: string; readonly release: number };
  readonly trust: UpdateTrust;
  readonly downloads: UpdateDownloads;
  readonly installer: UpdateInstaller;
  readonly slots: Slots;
  readonly history: UpdateHistory;
  readonly files: TreeFiles;
  /** Folder of `update.json` and of the slots; it exists. */
  readonly root: string;
  /** The centre, while there is a link to it. */
  readonly link: () => UpdateSource | undefined;
  /** Throws `document-refused` where the folder is none that updates come from. */
  readonly stick: (folder: string) => UpdateSource | Promise<UpdateSource>;
  /**
   * Why the running program could not work with a component, as `code: words`; undefined where it can, or cannot tell yet. Asked of what comes
   * without a program of its own. Absent: the trial tells.
   */
  readonly unfit?: (part: Pick<SlotPart, 'kind' | 'name'>, folder: string) => Promise<string | undefined>;
  /** Of the whole unit as it runs, on trial and before a switch. What it throws counts as a vital trouble. */
  readonly selfTest: (signal: AbortSignal) => Promise<SelfTest>;
  /** Ends this program, so that the launcher starts the slot that is due. May resolve before it has. */
  readonly restart: (reason: string) => Promise<void>;
  /** To the centre. What it throws is tried again. */
  readonly report: (update: JobUpdate) => Promise<void>;
  /** Into the ledger of evidence; what it throws is said and does not hinder the update. */
  readonly act?: (act: UpdateAct) => Promise<void>;
  /** Shows the standing to whoever looks from outside; what it throws is passed over. */
  readonly show?: (standing: UpdateStanding) => Promise<void>;
  readonly limits: () => UpdateLimits;
  readonly clock: Clock;
  readonly clockGood: () => boolean;
  readonly timer: Timer;
  readonly random: Random;
  /** Faults and what was done about them, a line each for people. */
  readonly tell: (words: string, error?: unknown) => void;
}
