import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ManualClock } from '../kernel/manual-clock.ts';
import { openGuard } from './guard.ts';
import { RunProgress } from './progress.ts';

const root = new URL('../..', import.meta.url).pathname;

/** Takes what services tell their manager, a line of JSON a datagram. */
const manager = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(json.dumps(s.recv(4096).decode()), flush=True)
`;

/** What was told so far; undefined where python3 is absent, of which the test says that it checked nothing. */
async function manage(t: ExecutionContext, address: string): Promise<readonly string[] | undefined> {
  const python = spawn('python3', ['-c', manager, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => void python.kill('SIGKILL'));
  const said: string[] = [];
  const bound = new Promise<boolean>((resolve) => {
    python.once('error', () => resolve(false));
    createInterface(python.stdout).on('line', (line) => {
      if (line === 'bound') resolve(true);
      else said.push(JSON.parse(line) as string);
    });
  });
  if (await bound) return said;
  t.log('python3 is absent: nobody listens, and nothing was checked');
  t.pass();
  return undefined;
}

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-guard-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('without a service manager and without a watchdog nobody holds the program to anything', async (t) => {
  t.is(await openGuard({}, {}, () => {}), undefined);
});

test('the real program says when it is ready, gives signs of life while it judges frames, and says that it stops', async (t) => {
  const folder = await folderOf(t);
  const socket = join(folder, 'notify');
  const said = await manage(t, socket);
  if (said === undefined) return;
  const args = [
    'run',
    '--config',
    'device/config/examples/street.yaml',
    '--pace',
    'timestamps',
    '--data',
    join(folder, 'data'),
  ];
  const unit: ChildProcess = spawn(process.execPath, ['device/cli/atalaya-unit.ts', ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1500000', STATE_DIRECTORY: folder },
  });
  t.teardown(() => void unit.kill('SIGKILL'));
  let complaints = '';
  unit.stderr?.on('data', (bytes: Buffer) => {
    complaints += bytes.toString();
  });
  const beats = () => said.filter((one) => one === 'WATCHDOG=1').length;
  const ready = () => said.indexOf('READY=1');
  for (let waited = 0; waited < 60_000 && (ready() < 0 || !said.at(-2)?.includes('frames judged')); waited += 50)
    await sleep(50);
  t.true(ready() >= 0, complaints);
  t.true(
    said.slice(0, ready()).some((one) => one.startsWith('STATUS=opening')),
    'it says that it opens',
  );
  const before = beats();
  await sleep(2500);
  t.true(beats() - before >= 3, `${beats() - before} signs of life in 2.5 s, of which one is due every 1.5 s`);
  unit.kill('SIGTERM');
  const [code] = (await once(unit, 'exit')) as [number | null];
  t.is(code, 0, complaints);
  t.true(said.includes('STOPPING=1'));
  t.true(said.some((one) => /^STATUS=\d+ frames judged$/.test(one)));
  await t.throwsAsync(readFile(join(folder, 'restarts.json')), undefined, 'nothing was to be remembered');
});

test('a seal is under way until it settles, well or not; frames and the end of the source are noted', async (t) => {
  const clock = new ManualClock();
  const progress = new RunProgress(clock);
  await clock.advance(5000);
  t.like(progress.facts, {
    sinceCaptured: 5000,
    sinceJudged: 5000,
    judged: 0,
    oldestSeal: undefined,
    sourceEnded: false,
  });
  progress.captured();
  progress.judged();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const sealing = progress.sealing(first.promise);
  await clock.advance(1000);
  progress.sealing(second.promise);
  t.like(progress.facts, { judged: 1, sinceJudged: 1000, oldestSeal: 1000 });
  first.reject(new Error('no room'));
  await t.throwsAsync(sealing);
  await clock.advance(500);
  t.like(progress.facts, { oldestSeal: 500 });
  second.resolve();
  progress.ended();
  await clock.advance(0);
  t.like(progress.facts, { oldestSeal: undefined, sourceEnded: true });
});
