import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { peakMemory } from './peak-memory.ts';

test('what a process had at most is told, and nothing of what the one had that started it', (t) => {
  const held = Buffer.alloc(256 * 2 ** 20, 1);
  t.true(peakMemory() > held.byteLength);
  const program = `import { peakMemory } from ${JSON.stringify(fileURLToPath(new URL('./peak-memory.ts', import.meta.url)))};
    console.log(peakMemory());`;
  const child = Number(execFileSync(process.execPath, ['--input-type=module', '--eval', program]).toString());
  t.true(child > 0);
  t.true(child < held.byteLength);
});
