import { mkdirSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import type { BenchContext, Figure, Section } from '../../device/bench/figure.ts';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { changeFigures } from './byte-figures.ts';
import { copySources, type LaidProgram, layProgram, type Release } from './lay-programs.ts';
import { type LaidChange, measureChanges } from './measure-changes.ts';
import { measureMemory, memoryFigures } from './memory.ts';
import { type ProgramChange, programChanges } from './program-changes.ts';
import { measureResumes, resumeFigures } from './resume.ts';
import { measureThroughput, shapedFigures, shapedTrial, throughputFigures, whole } from './transport.ts';

const cuts = 20;

/** Quick: no releases of Node, whole targets at level 3, zstd alone at 19, small files, one round. */
const sizes = (quick: boolean) =>
  quick
    ? { level: 3, zstdLevel: 19, stream: 30e6, rounds: 1, resumed: 30e6, shaped: 0.5e6 }
    : { level: 19, zstdLevel: 22, stream: 100e6, rounds: 3, resumed: undefined, shaped: 2e6 };

/**
 * What an update costs: bytes on the wire by change and way, the throughput of a download, what a bad link makes of it, the memory of a unit. What
 * the registry or a program that is not installed is needed for is left out, and said.
 */
export const benchOta: Section = async (context) => {
  // What was started ends with this process, and a signal alone would not tell it.
  const leave = () => process.exit(1);
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, leave);
  try {
    const { figures, length } = await benchBytes(context);
    return [...figures, ...(await benchTransport(context, length))];
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.removeListener(name, leave);
  }
};

/** `length`: bytes of a whole target. */
async function benchBytes(
  context: BenchContext,
): Promise<{ readonly figures: readonly Figure[]; readonly length: number }> {
  const { root, quick, say } = context;
  const { level, zstdLevel } = sizes(quick);
  const scratch = join(context.scratch, 'ota');
  const atOnce = Math.min(4, availableParallelism());
  say(`# ota: making releases of the program, load ${load()}`);
  const changes = await layChanges(context, scratch, await programChanges(root, quick, say));
  say(`# ota: ${changes.length} changes, whole targets at level ${level}, ${atOnce} programs at once, load ${load()}`);
  const patches = join(scratch, 'patches');
  const measured = await measureChanges(changes, { scratch: patches, level, zstdLevel, atOnce, say });
  const [first] = changes as readonly [LaidChange];
  // The one with the most to do.
  const last = changes.at(-1);
  say(`# ota: memory, load ${load()}`);
  const memory = await measureMemory(first.result, last, patches, join(scratch, 'memory'));
  return {
    figures: [...measured.flatMap(changeFigures), ...memoryFigures(memory)],
    length: measured[0]?.whole ?? first.result.target.length,
  };
}

async function layChanges(
  { root, say }: BenchContext,
  scratch: string,
  wanted: readonly ProgramChange[],
): Promise<readonly LaidChange[]> {
  mkdirSync(scratch, { recursive: true });
  const shop = {
    ...{ sources: copySources(root, scratch), scratch, cache: join(root, '.build/bench-ota') },
    signal: new AbortController().signal,
  };
  const laid = new Map<Release, LaidProgram>();
  const lay = async (release: Release): Promise<LaidProgram> => {
    const program = laid.get(release) ?? (await layProgram(shop, release));
    laid.set(release, program);
    return program;
  };
  const changes: LaidChange[] = [];
  for (const { change, base, result } of wanted) {
    try {
      changes.push({ change, base: await lay(base), result: await lay(result) });
    } catch (error) {
      // The sources alone always give a bundle; packages come from elsewhere.
      if (base.packages === undefined) throw error;
      say(`# ota: ${change}: left out, its packages cannot be had`);
    }
  }
  return changes;
}

async function benchTransport({ quick, scratch, say }: BenchContext, length: number): Promise<readonly Figure[]> {
  const { stream, rounds, resumed = length, shaped } = sizes(quick);
  const figures: Figure[] = [];
  try {
    say(`# ota: downloads, load ${load()}`);
    figures.push(...throughputFigures(await measureThroughput(stream, rounds, say)));
    say(`# ota: ${(resumed / 1e6).toFixed(0)} MB, cut ${cuts} times, load ${load()}`);
    figures.push(...resumeFigures(await measureResumes(resumed, cuts, join(scratch, 'resumed'))));
    if (process.getuid?.() !== 0) {
      say('# ota: the shaped link needs root, for a network namespace: left out');
      return figures;
    }
    say(`# ota: ${shaped / 1e6} MB over a shaped link, load ${load()}`);
    figures.push(...shapedFigures(shaped, await whole(shapedTrial(shaped))));
  } catch (error) {
    if (!isAtalayaError(error, 'program-missing')) throw error;
    say(`# ota: downloads left out, ${error.message}`);
  }
  return figures;
}

const load = (): string => loadavg()[0]?.toFixed(1) ?? '';
