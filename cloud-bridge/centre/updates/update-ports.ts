import type { Director } from '../../../ota/contract/director.ts';
import type { JobUpdate } from '../../../ota/contract/job.ts';
import type { VersionReport } from '../../../ota/contract/version-report.ts';
import type { StreamAnswer, StreamGet } from '../../contract/stream.ts';

/** What a unit says of its update. Durable when resolved; throw what the archive throws. */
export interface UpdateDesk {
  said(unit: string, update: JobUpdate): Promise<void>;
  reported(unit: string, report: VersionReport): Promise<void>;
  /** The unit came with its signing key: a report that was here before it is looked at again. */
  keyKnown(unit: string): Promise<void>;
}

/** Gives units the files of the update repositories. */
export interface StreamDesk {
  /** Returns at once; never throws. */
  asked(unit: string, get: StreamGet): void;
  close(): Promise<void>;
}

/** The way of a file to its unit. Both may reject with `link-down`: the unit asks again. */
export interface StreamWay {
  answer(unit: string, answer: StreamAnswer): Promise<void>;
  /** Resolves when the socket has taken it. */
  block(unit: string, id: string, block: number, bytes: Uint8Array): Promise<void>;
}

/** Why a version report is not believed, in words; undefined where the key (PEM) has signed it. */
export type VerifyVersionReport = (report: VersionReport, spki: string) => string | undefined;

/** What a bridge needs for giving updates. */
export interface UpdateParts {
  /** Undefined: another bridge gives units their jobs. */
  readonly director: Director | undefined;
  readonly verify: VerifyVersionReport;
  readonly openStreams: ((way: StreamWay) => StreamDesk) | undefined;
}
