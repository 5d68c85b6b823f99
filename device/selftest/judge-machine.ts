import { bars } from './bars.ts';
import type { SelfTestFinding } from './contract/self-test-report.ts';
import type { ClockFacts, MachineFacts, StorageFacts } from './facts.ts';
import { above, below, passed, percent, rounded, troubled, untested } from './findings.ts';

/** Whether the date can be believed: by whoever steers the clock, and by what the unit has stated before. */
export function judgeClock({
  utc,
  synchronised,
  errorBoundMs,
  estimatedErrorMs,
  newestEntry,
}: ClockFacts): readonly SelfTestFinding[] {
  const check = 'clock';
  const ahead = newestEntry === undefined ? 0 : newestEntry - utc;
  const behind: SelfTestFinding[] =
    ahead > bars.clock.aheadMs
      ? [
          troubled('failed', 'clock-behind-evidence', {
            check,
            says: `It is ${iso(utc)} here, and the newest entry of the ledger says ${iso(newestEntry ?? 0)}.`,
            figures: [{ name: 'behind the ledger', value: ahead / 1000, unit: 's', most: bars.clock.aheadMs / 1000 }],
          }),
        ]
      : [];
  if (!synchronised) {
    const says = 'Nothing steers the clock: its date may be any.';
    return [troubled('failed', 'clock-unsynchronised', { check, says }), ...behind];
  }
  const figures = [
    ...(errorBoundMs === undefined
      ? []
      : [{ name: 'error bound', value: errorBoundMs, unit: 'ms', most: bars.clock.errorBoundMs }]),
    ...(estimatedErrorMs === undefined ? [] : [{ name: 'estimated error', value: estimatedErrorMs, unit: 'ms' }]),
  ];
  if (errorBoundMs !== undefined && errorBoundMs > bars.clock.errorBoundMs) {
    const says = `The clock may be wrong by ${rounded(errorBoundMs / 1000)} s.`;
    return [troubled('failed', 'clock-inexact', { check, says, figures }), ...behind];
  }
  if (behind.length > 0) return behind;
  const bound = errorBoundMs === undefined ? '' : ` to ${rounded(errorBoundMs)} ms`;
  return [passed('clock-good', { check, says: `The clock is steered and right${bound}.`, figures })];
}

const iso = (utc: number): string => new Date(utc).toISOString();

/** Whether what is sealed is on the medium in time, and has room there. */
export function judgeStorage(storage: StorageFacts): readonly SelfTestFinding[] {
  const check = 'storage';
  if (storage.kind === 'failed') return [troubled('failed', 'storage-failed', { check, says: storage.says })];
  const { freeBytes, totalBytes, reserveBytes } = storage;
  const used = totalBytes > 0 ? 1 - freeBytes / totalBytes : 1;
  const free = { name: 'free', value: freeBytes / 1e6, unit: 'MB', least: rounded(reserveBytes / 1e6) };
  const room = freeBytes <= reserveBytes ? 'failed' : above(used, bars.storage.used);
  const filled = `${rounded(freeBytes / 1e6)} MB are free, ${percent(used)} are in use`;
  if (storage.kind === 'full') {
    const says = `${filled}: too little room to measure how fast it writes.`;
    return [troubled(room === 'passed' ? 'doubtful' : room, 'storage-full', { check, says, figures: [free] })];
  }
  const { p50Ms, p99Ms, megabytesPerSecond } = storage;
  const figures = [
    { name: 'durable write, half', value: p50Ms, unit: 'ms' },
    { name: 'durable write, 99 of 100', value: p99Ms, unit: 'ms', most: bars.storage.p99Ms.doubt },
    { name: 'writing', value: megabytesPerSecond, unit: 'MB/s', least: bars.storage.rate.doubt },
    free,
  ];
  const found: SelfTestFinding[] = [];
  if (room !== 'passed') found.push(troubled(room, 'storage-full', { check, says: `${filled}.`, figures }));
  const sides = [above(p99Ms, bars.storage.p99Ms), below(megabytesPerSecond, bars.storage.rate)];
  const speed = sides.includes('failed') ? 'failed' : sides.includes('doubtful') ? 'doubtful' : 'passed';
  if (speed !== 'passed') {
    const says = `A durable write takes up to ${rounded(p99Ms)} ms, and ${rounded(megabytesPerSecond)} MB are written a second.`;
    found.push(troubled(speed, 'storage-slow', { check, says, figures }));
  }
  if (found.length > 0) return found;
  const says = `A durable write takes ${rounded(p50Ms)} ms, ${rounded(freeBytes / 1e6)} MB are free.`;
  return [passed('storage-good', { check, says, figures })];
}

/** What the board tells of itself. */
export function judgeMachine(machine: MachineFacts): readonly SelfTestFinding[] {
  return [judgeWear(machine), judgeTemperature(machine), judgePower(machine)];
}

function judgeWear({ wearPercent }: MachineFacts): SelfTestFinding {
  const check = 'wear';
  if (wearPercent === undefined) {
    return untested('wear-untold', { check, says: 'The medium does not tell how worn it is (SD cards do not).' });
  }
  const figures = [{ name: 'life used', value: wearPercent, unit: '%', most: bars.wear.doubt }];
  const says = `${rounded(wearPercent)} % of the life of the medium is used.`;
  const worst = wearPercent >= bars.wear.fail ? 'failed' : above(wearPercent, bars.wear);
  if (worst === 'passed') return passed('wear-good', { check, says, figures });
  return troubled(worst, 'medium-worn', { check, says, figures });
}

function judgeTemperature({ temperatureC, throttled }: MachineFacts): SelfTestFinding {
  const check = 'temperature';
  if (temperatureC === undefined) {
    if (throttled === true) return troubled('doubtful', 'throttled', { check, says: 'The processor is held back.' });
    return untested('temperature-untold', { check, says: 'This machine does not tell its temperature.' });
  }
  const figures = [{ name: 'processor', value: temperatureC, unit: 'Cel', most: bars.temperature.doubt }];
  const says = `The processor has ${rounded(temperatureC)} degrees.`;
  const worst = above(temperatureC, bars.temperature);
  if (worst !== 'passed') return troubled(worst, 'too-hot', { check, says, figures });
  if (throttled === true) {
    return troubled('doubtful', 'throttled', { check, says: `${says} It is held back all the same.`, figures });
  }
  return passed('temperature-good', { check, says, figures });
}

function judgePower({ underVoltage, powerVolts }: MachineFacts): SelfTestFinding {
  const check = 'power';
  const figures = powerVolts === undefined ? [] : [{ name: 'supply', value: powerVolts, unit: 'V' }];
  if (underVoltage === undefined) {
    const says = powerVolts === undefined ? 'This machine does not tell its supply.' : `${rounded(powerVolts)} V.`;
    return untested('power-untold', { check, says, figures });
  }
  if (underVoltage) return troubled('failed', 'power-low', { check, says: 'The supply voltage is too low.', figures });
  return passed('power-good', { check, says: 'The supply voltage holds.', figures });
}
