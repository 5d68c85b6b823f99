import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { lineWidth } from './help-layout.ts';

const run = promisify(execFile);
const tree = fileURLToPath(new URL('../../', import.meta.url));

test('the help of every program fits the lines that it is given', async (t) => {
  for (const [program, command] of [
    ['device/cli/atalaya-unit.ts', 'read'],
    ['device/cli/atalaya-audit.ts', 'verify'],
    ['cloud-bridge/cli/atalaya-bridge.ts', 'run'],
  ] as const) {
    for (const columns of [60, 40]) {
      const env = { ...process.env, COLUMNS: `${columns}` };
      const { stdout } = await run(process.execPath, [program, command, '--help'], { cwd: tree, env });
      const lines = stdout.split('\n');
      t.true(lines.length > 8, program);
      for (const line of lines) t.true(line.length <= columns, `${program} at ${columns}: ${line}`);
    }
  }
});

test('how wide a line is: what the terminal has, else what is said, else the usual', (t) => {
  t.is(lineWidth(60, { COLUMNS: '100' }), 60);
  t.is(lineWidth(undefined, { COLUMNS: '100' }), 100);
  for (const COLUMNS of [undefined, '', '0', '-5', 'wide', '1.5']) t.is(lineWidth(undefined, { COLUMNS }), 80, COLUMNS);
  t.is(lineWidth(3, {}), 20);
});
