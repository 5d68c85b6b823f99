import type { ExecutionContext, SerialFn } from 'ava';
import type { Archive } from '../archive.ts';
import { gatherContract } from './gather-contract.ts';
import { ingestContract } from './ingest-contract.ts';
import { keepingContract } from './keeping-contract.ts';

export interface OpenedArchive {
  readonly archive: Archive;
  /** Another one on the same content, as another bridge has it. Closed with the first. */
  again(): Promise<Archive>;
}

/** Opens an archive without content, closed when the test ends; undefined where its engine is not installed. */
export type OpenArchive = (t: ExecutionContext) => Promise<OpenedArchive | undefined>;

/** Makes a test of one thing that every archive holds to. */
export type Holds = (title: string, work: (t: ExecutionContext, opened: OpenedArchive) => Promise<void>) => void;

/** What every archive holds to. The tests run one after the other where they share a server. */
export function archiveContract(test: SerialFn, open: OpenArchive): void {
  const holds: Holds = (title, work) =>
    test(title, async (t) => {
      const opened = await open(t);
      if (opened !== undefined) return work(t, opened);
      t.log('skipped: this engine is not installed here');
      t.pass();
    });
  ingestContract(holds);
  gatherContract(holds);
  keepingContract(holds);
}
