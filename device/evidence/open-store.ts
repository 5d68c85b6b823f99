import { join } from 'node:path';
import { Custody } from './custody.ts';
import { Ledger } from './ledger.ts';
import { BlobStore } from './sealing/blob-store.ts';
import { PackageSealer } from './sealing/package-sealer.ts';
import type { CompleteOptions } from './store-options.ts';

/** What a store is made of. */
export interface StoreParts {
  readonly ledger: Ledger;
  readonly sealer: PackageSealer;
  readonly custody: Custody;
  readonly finishedErasures: number;
}

/** Opens everything in a folder whose lock is held, and finishes the erasures that were begun. */
export async function openStoreParts(folder: string, options: CompleteOptions): Promise<StoreParts> {
  const { files } = options;
  const ledger = await Ledger.open(folder, options);
  try {
    const bodies = await BlobStore.open(files, join(folder, 'blobs'));
    const keys = await BlobStore.open(files, join(folder, 'keys'));
    const sealer = new PackageSealer(bodies, keys, options.recipients ?? { authority: [], operators: [] });
    const custody = new Custody(folder, options, ledger, sealer);
    return { ledger, sealer, custody, finishedErasures: await custody.finish() };
  } catch (error) {
    await ledger.close().catch(() => undefined);
    throw error;
  }
}
