import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { StubFleet } from './fleet/testing/stub-fleet.ts';

const program = fileURLToPath(new URL('./atalaya-fleet.ts', import.meta.url));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program, ...args],
      { env: { ...process.env, ...environment } },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
      },
    );
    child.stdin?.end();
  });
}

test('the program itself: done, failed, called wrongly', async (t) => {
  const fleet = await StubFleet.start();
  t.teardown(() => fleet.close());
  const now = Date.now();
  fleet.clock.setUtc(now);
  const place = { ATALAYA_BRIDGE: `unix:${fleet.at('bridge.sock')}`, ATALAYA_KEY: fleet.at('ana.pem') };
  const status = await run(['status'], place);
  t.is(status.code, 0, status.err);
  t.regex(status.out, /^unit {5}state/);
  t.is(JSON.parse((await run(['status', '--json'], place)).out).units.length, 2);
  const gone = await run(['status', '--bridge', 'unix:/nowhere/b.sock'], place);
  t.is(gone.code, 1);
  t.regex(gone.err, /there is no socket/);
  const wrong = await run(['alerts', 'acknowledge'], place);
  t.is(wrong.code, 2);
  t.regex(wrong.err, /missing required argument 'unit'/);
  const unasked = await run(['command', 'reboot', 'north-1', '--reason', 'x'], place);
  t.is(unasked.code, 2);
  t.regex(unasked.err, /nobody is there to be asked/);
  t.is((await run(['--version'])).code, 0);
  t.is((await run([])).code, 2);
});
