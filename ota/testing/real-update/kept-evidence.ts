import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SqliteArchive } from '../../../cloud-bridge/centre/archive/sqlite-archive.ts';
import { parseKey } from '../../../device/evidence/verify/keys.ts';
import { verifyStore } from '../../../device/evidence/verify/verify-store.ts';
import { systemClock } from '../../../device/kernel/clock.ts';

export interface KeptEvidence {
  /** That verify on the unit. */
  readonly records: number;
  readonly infractions: number;
  readonly updates: number;
  /** What infractions were judged by, in the order in which they were sealed: SHA-256 of a scene, and how many one after the other. */
  readonly scenes: readonly { readonly sha256: string; readonly infractions: number }[];
}

/** The ledger verifies whole, and the archive of the centre has each entry once. Throws what is wrong. `folder`: of unit and centre. */
export async function checkEvidence(folder: string, unit: string): Promise<KeptEvidence> {
  const store = join(folder, 'unit/evidence');
  const verdict = await verifyStore(store, { key: parseKey(await readFile(join(store, 'public/unit.pem'), 'utf8')) });
  if (!verdict.ok) throw new Error(`the evidence does not verify: ${JSON.stringify(verdict.findings.slice(0, 3))}`);
  const archive = await SqliteArchive.open(join(folder, 'centre/archive.sqlite'), { clock: systemClock });
  const events = await archive.events({ unit, lane: 'infraction', order: 'sequence', limit: 100_000 });
  await archive.close();
  const gap = events.findIndex(({ sequence }, index) => sequence !== index + 1);
  if (gap >= 0) throw new Error(`the archive has a gap before entry ${gap + 1}`);
  const infractions = events.filter(({ kind }) => kind === 'infraction');
  return {
    records: verdict.counts.records,
    infractions: infractions.length,
    updates: events.filter(({ data }) => JSON.stringify(data).includes('"kind":"update"')).length,
    scenes: runsOf(infractions.map(({ data }) => sceneOf(data))),
  };
}

interface Judged {
  readonly record?: { readonly provenance?: { readonly scene?: { readonly sha256?: string } } };
}

const sceneOf = (data: unknown): string => (data as Judged).record?.provenance?.scene?.sha256 ?? 'none';

function runsOf(scenes: readonly string[]): KeptEvidence['scenes'] {
  const runs: { sha256: string; infractions: number }[] = [];
  for (const sha256 of scenes) {
    const last = runs.at(-1);
    if (last?.sha256 === sha256) last.infractions += 1;
    else runs.push({ sha256, infractions: 1 });
  }
  return runs;
}
