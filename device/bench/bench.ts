import '../kernel/quiet-libraries.ts';

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { benchSync } from '../../cloud-bridge/bench/sync.ts';
import { benchOta } from '../../ota/bench/ota.ts';
import { explain } from '../kernel/errors.ts';
import { benchChaos } from './chaos.ts';
import { benchEvidence } from './evidence.ts';
import { type Figure, figureLine, type Section } from './figure.ts';
import { benchPipeline } from './pipeline.ts';
import { benchPlates } from './plates.ts';
import { benchSoak } from './soak.ts';
import { benchTrack } from './track.ts';

/** Every section, in the order in which they run. */
const sections: Readonly<Record<string, Section>> = {
  track: async ({ data }) => benchTrack(data),
  evidence: benchEvidence,
  plates: benchPlates,
  pipeline: benchPipeline,
  sync: benchSync,
  ota: benchOta,
  soak: benchSoak,
  chaos: benchChaos,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
    quick: { type: 'boolean', default: false },
    records: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    units: { type: 'string', default: '1000' },
  },
});
const unknown = positionals.filter((name) => !(name in sections));
const minutes = Number(values.minutes);
const records = Number(values.records);
const units = Number(values.units);
const seed = Number(values.seed);
if (unknown.length > 0 || !(minutes > 0) || !(records >= 20_000) || !(units >= 1) || !Number.isSafeInteger(seed)) {
  console.error(
    `usage: npm run bench -- [${Object.keys(sections).join('|')} ...] [--json] [--quick] [--minutes N] [--records N, 20000 or more] [--units N] [--seed N]`,
  );
  process.exit(2);
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const footage = join(root, '..', 'shared', 'data');
const scratch = await mkdtemp(join(tmpdir(), 'atalaya-bench-'));
const figures: Figure[] = [];
const say = (text: string) => console.error(text);
say(`# ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.version}`);
try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(sections)) {
    const data = existsSync(footage) ? footage : undefined;
    const { quick } = values;
    const found = await sections[name]?.({ data, root, scratch, minutes, seed, records, units, quick, say });
    for (const figure of found ?? []) {
      figures.push(figure);
      if (!values.json) console.log(figureLine(figure));
    }
  }
  if (values.json) console.log(JSON.stringify(figures, undefined, 2));
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
} finally {
  await rm(scratch, { recursive: true, force: true });
}
