import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { milliseconds } from '../../kernel/units.ts';
import { readTold } from './bench-report.ts';
import { loadSuites } from './chosen-cases.ts';
import { CommandFailed, isOfNetwork, runCommand } from './commands.ts';
import { Results } from './results.ts';

const program = join(import.meta.dirname, 'run.ts');

function run(args: readonly string[], uid?: number) {
  const options = { encoding: 'utf8' as const, timeout: 60_000, ...(uid === undefined ? {} : { uid }) };
  return spawnSync(process.execPath, [program, ...args], options);
}

test('a wrong call is refused with the usage, before anything is prepared', (t) => {
  const { status, stderr } = run(['--onyl', 'x']);
  t.is(status, 2);
  t.regex(stderr, /usage: /);
});

test('a name that nothing has is refused before anything is prepared, and every suite can be loaded', async (t) => {
  const { status, stderr } = run(['--only', 'no such case']);
  t.is(status, 2);
  t.regex(stderr, /no case and no scenario is named like no such case/);
  const { cases, broken } = await loadSuites(join(import.meta.dirname, '../../..'), undefined);
  t.deepEqual(broken, []);
  t.true(cases.some(({ timed }) => timed) && cases.some(({ timed }) => !timed));
  const names = cases.map(({ suite, name }) => `${suite} ${name}`);
  t.is(new Set(names).size, names.length, 'no two are called alike');
});

test('who is not root is told in one sentence, and nothing counts as passed', (t) => {
  if (process.getuid?.() !== 0) {
    t.log('only root can become somebody else: passed over');
    t.pass();
    return;
  }
  const { status, stdout, stderr } = run([], 65_534);
  t.is(status, 3, stderr);
  t.is(stdout, '');
  t.is(stderr.trim().split('\n').length, 1);
  t.regex(stderr, /passed over: .*root/);
});

test('a line that the cut has torn is no report', (t) => {
  t.is(readTold('{"kind":"line","te'), undefined);
  t.is(readTold('[    4.5] kernel says'), undefined);
  t.is(readTold('7'), undefined);
  t.deepEqual(readTold('{"kind":"up","boot":"b"}'), { kind: 'up', boot: 'b' });
});

test('a run in which nothing passed has failed, and what was passed over is no pass', (t) => {
  const lines: string[] = [];
  const results = new Results((line) => lines.push(line));
  const of = { suite: 'device/x.hardware.ts', seconds: 1, notes: ['p99 3 ms'] };
  results.add({ ...of, name: 'one', outcome: 'passed-over', reason: 'there is no camera' });
  t.is(results.finish(), 1);
  results.add({ ...of, name: 'two', outcome: 'passed', reason: undefined });
  t.is(results.finish(), 0);
  results.add({ ...of, name: 'three', outcome: 'failed', reason: 'it is\nnot so' });
  t.is(results.finish(), 1);
  t.is(lines[0], 'passed over - device/x: one (1.0 s)');
  t.deepEqual(lines.slice(-6), [
    'not ok - device/x: three (1.0 s)',
    '    p99 3 ms',
    '    it is',
    '    not so',
    '1 passed over',
    '1 passed, 1 failed',
  ]);
});

test('a program that hangs is killed with what it has started, and its log is named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const log = join(folder, 'log');
  const hung = runCommand('sh', ['-c', 'echo begun; sleep 60 & wait'], { deadline: milliseconds(500), log });
  await t.throwsAsync(hung, { message: `sh took longer than 0.5 s (${log})` });
  t.regex(readFileSync(log, 'utf8'), /begun/);
  const failed = await t.throwsAsync(
    runCommand('sh', ['-c', 'echo "E: Failed to fetch http://x" >&2; exit 100'], { deadline: milliseconds(5000), log }),
    { instanceOf: CommandFailed },
  );
  t.true(isOfNetwork(failed));
  t.false(isOfNetwork(new Error('another')));
});
