import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { milliseconds } from '../units.ts';
import { Libc, socketAddress } from './libc.ts';
import { openServiceNotify } from './service-notify.ts';
import { SystemFault } from './system-calls.ts';
import { callsWith } from './testing/refusing-calls.ts';

/** Takes datagrams and prints each as a line of JSON, as a manager of services would take them. */
const receiver = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind('\\0' + name[1:] if name[0] == '@' else name)
print(json.dumps('bound'), flush=True)
for _ in range(int(sys.argv[2])):
    print(json.dumps(s.recv(4096).decode()), flush=True)
`;

async function received(t: ExecutionContext, address: string, messages: number, send: () => void) {
  const python: ChildProcess = spawn('python3', ['-c', receiver, address, String(messages)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const failed = once(python, 'error').then(() => undefined);
  t.teardown(() => void python.kill('SIGKILL'));
  let text = '';
  const whole = new Promise<string>((resolve) => {
    python.stdout?.on('data', (bytes) => {
      if (text === '') send();
      text += bytes;
    });
    python.stdout?.on('end', () => resolve(text));
  });
  const all = await Promise.race([whole, failed]);
  return all
    ?.trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as string);
}

for (const kind of ['a path', 'an abstract name'] as const) {
  test(`what is said arrives at ${kind}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'atalaya-notify-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const address = kind === 'a path' ? join(folder, 'notify') : `@atalaya-test-${process.pid}-${Math.random()}`;
    const told: boolean[] = [];
    const messages = await received(t, address, 7, () => {
      const notify = openServiceNotify({ NOTIFY_SOCKET: address }, process.pid, () => Libc.open());
      told.push(notify.told, notify.extend(milliseconds(90_000)), notify.ready(), notify.alive());
      told.push(notify.within(milliseconds(120_000)));
      told.push(notify.status('sealing,\n3 pictures wait'), notify.stopping(), notify.status(`${'x'.repeat(500)}`));
      notify.close();
      told.push(!notify.alive());
    });
    if (messages === undefined) {
      t.log('python3 is absent: nobody listens');
      t.pass();
      return;
    }
    t.deepEqual(messages, [
      'EXTEND_TIMEOUT_USEC=90000000',
      'READY=1',
      'WATCHDOG=1',
      'WATCHDOG_USEC=120000000',
      'STATUS=sealing, 3 pictures wait',
      'STOPPING=1',
      `STATUS=${'x'.repeat(200)}`,
    ]);
    t.true(told.every(Boolean));
  });
}

test('without a socket nobody is told, nothing fails, and no library is loaded', (t) => {
  for (const environment of [{}, { NOTIFY_SOCKET: '' }, { NOTIFY_SOCKET: 'relative' }, { NOTIFY_SOCKET: '@' }]) {
    const notify = openServiceNotify({ ...environment, WATCHDOG_USEC: '1000000' }, 1, () => t.fail() as never);
    t.deepEqual(
      [notify.told, notify.watchdog, notify.ready(), notify.alive(), notify.stopping()],
      [false, undefined, false, false, false],
    );
    notify.close();
  }
});

test('a manager that does not listen any more is no fault of the unit', (t) => {
  const notify = openServiceNotify({ NOTIFY_SOCKET: '/no/such/socket' }, 1, () => Libc.open());
  t.false(notify.ready());
  notify.close();
  const slow = callsWith({
    datagramSocket: () => 9,
    sendTo: () => {
      throw new SystemFault('EAGAIN', 'sendto');
    },
  });
  t.false(openServiceNotify({ NOTIFY_SOCKET: '/run/notify' }, 1, () => slow).alive());
});

test('a sign of life is due as often as the manager says, if it says it to this process', (t) => {
  const due = (environment: object) =>
    openServiceNotify({ NOTIFY_SOCKET: '/run/notify', ...environment }, 42, () =>
      callsWith({ datagramSocket: () => 9 }),
    ).watchdog;
  t.is(due({ WATCHDOG_USEC: '30000000' }), milliseconds(30_000));
  t.is(due({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '42' }), milliseconds(30_000));
  t.is(due({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '43' }), undefined);
  for (const wrong of ['', '0', '-1', '3e6', 'soon']) t.is(due({ WATCHDOG_USEC: wrong }), undefined);
});

test('addresses lie in the bytes as unix(7) says', (t) => {
  t.deepEqual([...socketAddress('/a')], [1, 0, 0x2f, 0x61, 0]);
  t.deepEqual([...socketAddress('@a')], [1, 0, 0, 0x61]);
  t.throws(() => socketAddress(`/${'a'.repeat(107)}`), { instanceOf: SystemFault });
  t.throws(() => socketAddress('/a\0b'), { instanceOf: SystemFault });
});
