import { Buffer } from 'node:buffer';
import test from 'ava';
import { explain, isAtalayaError } from '../errors.ts';
import { seconds } from '../units.ts';
import { HardwareWatchdog, watchdogRequests } from './hardware-watchdog.ts';
import { SystemFault } from './system-calls.ts';
import { callsWith } from './testing/refusing-calls.ts';

/** A watchdog that answers as i6300esb does, and writes down what it is told. */
function watchdog(
  given: { options?: number; granted?: number; bootStatus?: number; refuses?: Record<number, string> } = {},
) {
  const told: string[] = [];
  const names = new Map(Object.entries(watchdogRequests).map(([name, number]) => [number as number, name]));
  const calls = callsWith({
    open: (path) => {
      told.push(`open ${path}`);
      return 7;
    },
    close: () => void told.push('close'),
    write: (_, bytes) => {
      told.push(`write ${Buffer.from(bytes).toString()}`);
      return bytes.byteLength;
    },
    ioctl: (_, request, argument) => {
      const bytes = Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
      const name = names.get(request);
      const refused = given.refuses?.[request];
      if (refused !== undefined) throw new SystemFault(refused, 'ioctl');
      if (name === 'support') {
        bytes.writeUInt32LE(given.options ?? 0x8180, 0);
        bytes.write('i6300ESB timer', 8);
      }
      if (name === 'bootStatus') bytes.writeInt32LE(given.bootStatus ?? 0);
      if (name === 'setTimeout' || name === 'getTimeout') {
        told.push(`${name} ${name === 'setTimeout' ? bytes.readInt32LE() : ''}`.trim());
        bytes.writeInt32LE(given.granted ?? 30);
      }
      if (name === 'keepAlive') told.push('feed');
      return 0;
    },
  });
  return { told, calls };
}

test('it is opened with its timeout, fed, and stopped only where that is asked for', (t) => {
  const { told, calls } = watchdog({ bootStatus: 0x20 });
  const dog = HardwareWatchdog.open('/dev/watchdog0', seconds(30), calls);
  t.deepEqual(dog?.facts, {
    identity: 'i6300ESB timer',
    timeout: seconds(30),
    stoppable: true,
    resetByWatchdog: true,
  });
  dog?.feed();
  dog?.close('stop');
  dog?.close('stop');
  dog?.feed();
  t.deepEqual(told, ['open /dev/watchdog0', 'setTimeout 30', 'feed', 'write V', 'close']);
});

test('left running it is closed without the magic letter', (t) => {
  const { told, calls } = watchdog({ options: 0x8080 });
  const dog = HardwareWatchdog.open('/dev/watchdog', seconds(30), calls);
  t.false(dog?.facts.stoppable);
  dog?.close('leave-running');
  t.deepEqual(told, ['open /dev/watchdog', 'setTimeout 30', 'close']);
});

test('what the device took is what counts, and one whose timeout is fixed is read', (t) => {
  t.is(
    HardwareWatchdog.open('/dev/watchdog', seconds(60), watchdog({ granted: 15 }).calls)?.facts.timeout,
    seconds(15),
  );
  const fixed = watchdog({ refuses: { [watchdogRequests.setTimeout]: 'EOPNOTSUPP' }, granted: 12 });
  t.is(HardwareWatchdog.open('/dev/watchdog', seconds(60), fixed.calls)?.facts.timeout, seconds(12));
});

test('a machine without one has none; one that is taken, barred or no watchdog is refused with what to do', (t) => {
  const refusing = (code: string) =>
    callsWith({
      open: () => {
        throw new SystemFault(code, 'open');
      },
    });
  t.is(HardwareWatchdog.open('/dev/watchdog', seconds(30), refusing('ENOENT')), undefined);
  const refused = (calls: ReturnType<typeof callsWith>) => {
    const error = t.throws(() => HardwareWatchdog.open('/dev/watchdog', seconds(30), calls));
    t.true(isAtalayaError(error, 'config-invalid'));
    return explain(error);
  };
  t.regex(refused(refusing('EBUSY')), /EBUSY\n {2}Another program feeds it: take `RuntimeWatchdogSec` out/);
  t.regex(refused(refusing('EACCES')), /EACCES\n {2}Let the unit into the group/);
  const nothing = watchdog({ refuses: { [watchdogRequests.support]: 'ENOTTY' } });
  t.regex(refused(nothing.calls), /ENOTTY\n {2}Name a watchdog/);
  const choosy = watchdog({ refuses: { [watchdogRequests.setTimeout]: 'EINVAL' } });
  t.regex(refused(choosy.calls), /EINVAL\n {2}Ask for a timeout/);
  t.deepEqual(choosy.told.slice(-2), ['write V', 'close'], 'it does not reset the machine for a refused start');
});

test('one that cannot be fed any more is a fault', (t) => {
  const { calls } = watchdog({ refuses: { [watchdogRequests.keepAlive]: 'EIO' } });
  const dog = HardwareWatchdog.open('/dev/watchdog', seconds(30), calls);
  const error = t.throws(() => dog?.feed());
  t.true(isAtalayaError(error, 'internal'));
});
