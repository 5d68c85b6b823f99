import { resolve } from 'node:path';
import { smallText } from './small-text.ts';
import { openOwnStore, type StoreFlags } from './store-at.ts';

type Print = (text: string) => void;

/**
 * Makes index and log hashes anew where they are not what the journal says, and removes what seals that were cut off have left. The
 * journal, the truth, is only read. No unit may be running on the store.
 */
export async function repair(flags: StoreFlags, print: Print): Promise<void> {
  const { store, keystore } = await openOwnStore(flags, { rebuildLog: true });
  try {
    const { last, torn, rebuiltDocuments } = store.opening;
    if (torn !== undefined)
      print(`a torn tail was cut: ${torn.segment}, byte ${torn.byte}; its bytes are kept beside it`);
    print(`${last} entries; the hashes of the log were made anew and agree with its checkpoint`);
    if (rebuiltDocuments === 1) print('1 document of the index was made anew');
    else if (rebuiltDocuments > 1) print(`${rebuiltDocuments} documents of the index were made anew`);
    const { files, bytes } = await store.sweep();
    print(
      files === 0 ? 'no leftovers' : `${files} leftovers of unfinished seals removed, ${Math.ceil(bytes / 1e6)} MB`,
    );
  } finally {
    await store.close();
    await keystore.close();
  }
}

export interface CosignFlags extends StoreFlags {
  /** Files with the verifier keys of witnesses. */
  readonly witness: readonly string[];
}

/** Keeps what witnesses have signed of the newest checkpoint. No unit may be running on the store. */
export async function cosign(path: string, flags: CosignFlags, print: Print): Promise<void> {
  const note = await smallText(path, 'the cosigned checkpoint');
  const witnesses = await Promise.all(flags.witness.map((file) => smallText(file, "a witness's verifier key")));
  const { store, keystore } = await openOwnStore(flags, { witnesses: witnesses.map((key) => key.trim()) });
  try {
    const { size } = await store.ledger.cosign(note);
    print(`the checkpoint over ${size} entries bears the cosignatures of ${resolve(path)}`);
  } finally {
    await store.close();
    await keystore.close();
  }
}
