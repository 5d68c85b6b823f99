import { spawn } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';

/** A program that logs `lines` lines to standard error, closes the log, and says on standard output what was dropped. */
const program = (lines: number): string => `
  import { openLog } from ${JSON.stringify(join(import.meta.dirname, 'pino-log.ts'))};
  import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../clock.ts'))};
  const log = openLog({ level: 'info', keepDays: 1, name: 'unit', clock: systemClock, mostPending: 100_000 });
  for (let n = 0; n < ${lines}; n += 1) log.info({ n }, 'said');
  log.debug({}, 'unheard');
  await log.close();
  await log.close();
  log.info({}, 'too late');
  console.log(log.dropped);
`;

function run(lines: number) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program(lines)]);
  const said: Buffer[] = [];
  const complained: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => said.push(data));
  child.stderr.on('data', (data: Buffer) => complained.push(data));
  const ended = new Promise<{ code: number | null; dropped: number; lines: string[] }>((resolve) => {
    child.once('close', (code) => {
      const text = Buffer.concat(complained).toString();
      resolve({ code, dropped: Number(Buffer.concat(said).toString()), lines: text.split('\n').slice(0, -1) });
    });
  });
  return { child, ended };
}

test('without a folder the lines go to standard error, all before the end', async (t) => {
  const { code, dropped, lines } = await run(200).ended;
  t.is(code, 0);
  t.deepEqual(
    lines.map((line) => (JSON.parse(line) as { n: number }).n),
    [...Array(200).keys()],
  );
  t.is(dropped, 1);
});

test('what a slow reader does not take is dropped and counted, a line whole or not at all', async (t) => {
  const { code, dropped, lines } = await run(20_000).ended;
  t.is(code, 0);
  t.true(dropped > 1);
  t.is(lines.length + dropped - 1, 20_000);
  for (const line of lines) t.is((JSON.parse(line) as { msg: string }).msg, 'said');
});

test('a reader who went away stops nobody', async (t) => {
  const { child, ended } = run(20_000);
  child.stderr.destroy();
  t.is((await ended).code, 0);
});
