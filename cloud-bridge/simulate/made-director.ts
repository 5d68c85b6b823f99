import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import type { Director } from '../../ota/contract/director.ts';
import type { UpdateJobInput } from '../../ota/contract/job.ts';
import type { Target } from '../../ota/contract/target.ts';

/** Signs nothing, and keeps what it is given in memory: the director of a simulation, whose units ask the centre in the same process. */
export class MadeDirector implements Director {
  readonly jobs = new Map<string, UpdateJobInput>();
  readonly #targets: readonly Target[];

  constructor(targets: readonly Target[]) {
    this.#targets = targets;
  }

  async targets(): Promise<readonly Target[]> {
    return this.#targets.toSorted((one, other) => other.description.release - one.description.release);
  }

  async assign(unit: string, job: UpdateJobInput): Promise<void> {
    const missing = job.install.find((name) => !this.#targets.some(({ target }) => target === name));
    if (missing !== undefined) throw new AtalayaError('document-refused', `${missing} is not published`);
    this.jobs.set(unit, job);
  }

  async refresh(): Promise<boolean> {
    return false;
  }

  async units(): Promise<readonly string[]> {
    return [...this.jobs.keys()];
  }

  async open(): Promise<undefined> {
    return undefined;
  }
}

/** How a made-up version works; the word stands in its version. */
const madeTempers = ['good', 'broken', 'dull'] as const;
type MadeTemper = (typeof madeTempers)[number];

const madeHardware = ['x64', 'arm64'] as const;
export type MadeHardware = (typeof madeHardware)[number];

/** What a simulated unit runs before it is updated. */
export const firstProgram = { version: '1.0.0', release: 1 } as const;

/** A version that works, one whose trial fails, and one that misses half of what passes; for both kinds of hardware. */
export function madeTargets(): readonly Target[] {
  return madeTempers.flatMap((temper, i) =>
    madeHardware.map((hardware): Target => {
      const release = i + 2;
      const version = temper === 'good' ? `1.${i + 1}.0` : `1.${i + 1}.0-${temper}`;
      const target = `unit-${version}-r${release}-${hardware}.tar.zst`;
      const tree = { sha256: sha256(`tree of ${target}`), length: 180_000_000 };
      return {
        target,
        length: 62_000_000,
        sha256: sha256(target),
        description: { kind: 'program', name: 'unit', version, release, hardware: [hardware], tree },
      };
    }),
  );
}

/** How well a version works, by its name. */
export const temperOf = (version: string): MadeTemper =>
  madeTempers.find((temper) => version.endsWith(`-${temper}`)) ?? 'good';
