import { globSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '../../kernel/errors.ts';
import type { AskedCase } from './bench-report.ts';
import type { HardwareCase } from './hardware-case.ts';

/** A case of the tree, and on which clock it runs. */
export interface KnownCase extends AskedCase {
  readonly timed: boolean;
}

/** The suites of a tree: their cases, and those that cannot be loaded. */
export interface Suites {
  readonly cases: readonly KnownCase[];
  readonly broken: readonly { readonly suite: string; readonly reason: string }[];
}

const defaultDeadline = 60_000;

/** Everything below `device/` that was asked for, by a part of its suite's path or of its name; all of it where nothing was. */
export async function loadSuites(tree: string, only: string | undefined): Promise<Suites> {
  const paths = globSync('device/**/*.hardware.ts', { cwd: tree, exclude: (path) => path.includes('node_modules') });
  const cases: KnownCase[] = [];
  const broken: Suites['broken'][number][] = [];
  const isAsked = (suite: string, name: string) => only === undefined || `${suite} ${name}`.includes(only);
  for (const suite of paths.sort()) {
    try {
      const loaded = (await import(join(tree, suite))) as { cases: readonly HardwareCase[] };
      for (const [index, { name, deadline = defaultDeadline, timed = false }] of loaded.cases.entries())
        if (isAsked(suite, name)) cases.push({ suite, index, name, deadline, timed });
    } catch (error) {
      if (isAsked(suite, '')) broken.push({ suite, reason: explain(error) });
    }
  }
  return { cases, broken };
}
