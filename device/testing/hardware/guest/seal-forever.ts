import { EvidenceStore } from '../../../evidence/evidence-store.ts';
import { contextAt, framesAround, infractionAt } from '../../../evidence/testing/fixtures.ts';
import { testKeystore, unit } from '../../../evidence/testing/stores.ts';
import { systemClock } from '../../../kernel/clock.ts';
import { type Files, type OpenFile, systemFiles } from '../../../kernel/files.ts';
import { milliseconds } from '../../../kernel/units.ts';

/** Seals pictures and records until the power goes, and says `sealed ID` after each acknowledgement. */
export async function sealForever(folder: string, recipient: string, files: Files, say: (line: string) => void) {
  const store = await EvidenceStore.open(folder, {
    unit,
    boot: String(process.pid),
    clock: systemClock,
    keystore: testKeystore(),
    segmentBytes: 30_000,
    checkpoints: { entries: 5, time: milliseconds(200) },
    recipients: { authority: [recipient], operators: [] },
    sealDeadline: milliseconds(60_000),
    files,
  });
  const first = store.status.entries + 10;
  say('open');
  for (let frame = first; ; frame += 2) {
    await Promise.all(
      [frame, frame + 1].map(async (at) => {
        const { id } = await store.seal(infractionAt(at), framesAround(at), contextAt(at));
        say(`sealed ${id}`);
      }),
    );
  }
}

/** A disk to which nothing is made durable: what is lost on it shows that a cut loses what is not synced. */
export const forgetfulFiles: Files = {
  ...systemFiles,
  open: async (path, mode) => unsynced(await systemFiles.open(path, mode === 'durable' ? 'update' : mode)),
  syncFolder: async () => undefined,
};

function unsynced(file: OpenFile): OpenFile {
  return {
    write: (chunks, position) => file.write(chunks, position),
    datasync: async () => undefined,
    sync: async () => undefined,
    truncate: (length) => file.truncate(length),
    read: (target, position) => file.read(target, position),
    size: () => file.size(),
    close: () => file.close(),
  };
}
