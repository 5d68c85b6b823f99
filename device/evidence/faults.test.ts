import test from 'ava';
import { type AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import type { Operation } from '../kernel/testing/memory-files.ts';
import { EvidenceStore } from './evidence-store.ts';
import { agrees } from './testing/agreement.ts';
import { folder, working } from './testing/scenarios.ts';

/** A fault of the disk, and the operations that it can befall. */
const faults = [
  { fault: 'EIO', code: 'store-failed', befalls: () => true },
  { fault: 'ENOSPC', code: 'store-full', befalls: ({ kind }: Operation) => grows.has(kind) },
] as const;

const grows = new Set<Operation['kind']>(['open', 'rename', 'makeFolder', 'write', 'sync', 'datasync', 'syncFolder']);

for (const { name, begin, options, work } of working) {
  test.serial(
    `any one operation of ${name} fails: it is refused with its reason, and nothing that was acknowledged is lost`,
    async (t) => {
      let refused = 0;
      let unnoticed = 0;
      for (const { fault, code, befalls } of faults) {
        for (let at = 0, reached = true; reached; at += 1) {
          const { files, before } = await begin();
          let hit: Operation | undefined;
          files.plan = (operation) => {
            if (operation.number !== at || !befalls(operation)) return undefined;
            hit = operation;
            return { code: fault, bytes: 100 };
          };
          let store: EvidenceStore | undefined;
          let told: AtalayaError | undefined;
          try {
            store = await EvidenceStore.open(folder, options(files));
            await work(store, before);
          } catch (error) {
            if (!isAtalayaError(error)) throw error;
            told = error;
          }
          await store?.close();
          files.plan = () => undefined;
          reached = files.operations > at;
          const when = `${fault} at operation ${at}, ${hit?.kind} ${hit?.path}`;
          if (hit !== undefined && told === undefined) unnoticed += 1;
          if (told !== undefined) refused += 1;
          if (told !== undefined) t.is(told.code, code, `${when}: ${told.message}`);
          await agrees(t, folder, files, options(files), before, when);
        }
      }
      t.true(refused > 20, String(refused));
      t.log(`${refused} refused, ${unnoticed} made good`);
    },
  );
}
