import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A folder of this machine's disk for one test, which goes with it. */
export function scratchFolder(t: Pick<ExecutionContext, 'teardown'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
