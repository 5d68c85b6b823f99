import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { systemClock } from '../clock.ts';
import { ManualClock } from '../manual-clock.ts';
import { milliseconds } from '../units.ts';
import { disciplinedClock, openDisciplinedClock, readClockDiscipline } from './clock-state.ts';
import { Libc } from './libc.ts';
import { SystemFault } from './system-calls.ts';
import { callsWith } from './testing/refusing-calls.ts';
import { TIMEX_SIZE, timexRequest } from './timex.ts';

/** A kernel that answers with these figures, at the offsets that a C compiler gives the fields of `struct timex`. */
function kernel(given: { answer: number; status: number; maxerror: bigint; esterror: bigint }) {
  let asked = 0;
  const calls = callsWith({
    adjustTime: (timex) => {
      asked += 1;
      const bytes = Buffer.from(timex.buffer, timex.byteOffset, timex.byteLength);
      bytes.writeBigInt64LE(given.maxerror, 24);
      bytes.writeBigInt64LE(given.esterror, 32);
      bytes.writeInt32LE(given.status, 40);
      return given.answer;
    },
  });
  return { calls, given, asked: () => asked };
}

test('a clock that is steered says so, with the bound of its error', (t) => {
  const { calls } = kernel({ answer: 0, status: 0x2001, maxerror: 48_500n, esterror: 312n });
  t.deepEqual(readClockDiscipline(calls), {
    synchronised: true,
    errorBound: milliseconds(48.5),
    estimatedError: milliseconds(0.312),
  });
});

test('either sign of a clock that nobody steers is enough, and no bound is claimed then', (t) => {
  const nobody = { synchronised: false, errorBound: undefined, estimatedError: undefined };
  for (const [answer, status] of [
    [5, 0x40],
    [5, 0],
    [0, 0x40],
  ] as const)
    t.deepEqual(readClockDiscipline(kernel({ answer, status, maxerror: 16n, esterror: 16n }).calls), nobody);
});

test('the request asks and changes nothing', (t) => {
  const request = timexRequest();
  t.is(request.length, TIMEX_SIZE);
  t.true(request.every((byte) => byte === 0));
});

test('a frame that asks costs no system call more than one a second; a lost source shows within that', async (t) => {
  const { calls, given, asked } = kernel({ answer: 0, status: 0, maxerror: 1000n, esterror: 10n });
  const clock = new ManualClock();
  const disciplined = disciplinedClock(clock, calls);
  for (let i = 0; i < 15; i += 1) {
    t.true(disciplined.state().synchronised);
    await clock.advance(66);
  }
  t.is(asked(), 1);
  given.status = 0x40;
  await clock.advance(100);
  t.false(disciplined.state().synchronised);
  t.is(disciplined.utc(), clock.utc());
  t.is(disciplined.monotonic(), clock.monotonic());
});

test('a kernel that does not answer is no clock that is steered', (t) => {
  const clock = new ManualClock();
  t.true(clock.state().synchronised, 'whatever the clock beneath says');
  t.false(disciplinedClock(clock, callsWith({})).state().synchronised);
  const broken = callsWith({
    adjustTime: () => {
      throw new TypeError('a fault of ours');
    },
  });
  t.throws(() => disciplinedClock(clock, broken).state(), { instanceOf: TypeError });
});

test("this machine's own clock is read as another program reads it", (t) => {
  const ours = openDisciplinedClock(systemClock).discipline();
  const script = `
import ctypes
class timex(ctypes.Structure):
    _fields_ = [('modes', ctypes.c_uint), ('offset', ctypes.c_long), ('freq', ctypes.c_long), ('maxerror', ctypes.c_long),
                ('esterror', ctypes.c_long), ('status', ctypes.c_int), ('rest', ctypes.c_char * 256)]
t = timex()
state = ctypes.CDLL(None).ntp_adjtime(ctypes.byref(t))
print(int(state != 5 and t.status & 0x40 == 0), t.esterror)`;
  const other = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
  if (other.status !== 0) {
    t.log('python3 is absent: not compared');
    t.pass();
    return;
  }
  const [synchronised, esterror] = other.stdout.trim().split(' ').map(Number);
  t.is(ours.synchronised, synchronised === 1);
  t.is(ours.estimatedError, synchronised === 1 ? milliseconds((esterror ?? 0) / 1000) : undefined);
});

test('what the kernel refuses has its name and the call', (t) => {
  const calls = Libc.open();
  const fault = t.throws(() => calls.open('/no/such/file', 'read'), { instanceOf: SystemFault });
  t.is(fault.code, 'ENOENT');
  t.regex(fault.message, /^open \/no\/such\/file: ENOENT$/);
  t.is(t.throws(() => calls.close(-1), { instanceOf: SystemFault }).code, 'EBADF');
  const descriptor = calls.open('/dev/null', 'read-write');
  t.is(t.throws(() => calls.ioctl(descriptor, 0x1234, new Uint8Array(8)), { instanceOf: SystemFault }).code, 'ENOTTY');
  t.is(calls.write(descriptor, new Uint8Array(3)), 3);
  t.is(calls.read(descriptor, new Uint8Array(3)), 0);
  t.deepEqual(calls.poll([{ descriptor, readable: true, writable: true }], 0), [
    { descriptor, readable: true, writable: true, gone: false },
  ]);
  calls.close(descriptor);
  t.true(calls.poll([{ descriptor, readable: true, writable: false }], 0)[0]?.gone);
  const before = performance.now();
  t.deepEqual(calls.poll([], 30), []);
  t.true(performance.now() - before >= 29);
});
