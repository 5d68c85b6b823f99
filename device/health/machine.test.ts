import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { telemetry } from '../../cloud-bridge/contract/events.ts';
import { systemClock } from '../kernel/clock.ts';
import { systemTimer } from '../kernel/timer.ts';
import { seconds } from '../kernel/units.ts';
import { machineFacts } from './health-facts.ts';
import type { Machine } from './machine-figures.ts';
import { Sysfs } from './sysfs.ts';
import { SysteminformationMachine } from './systeminformation-machine.ts';
import { makeTelemetry } from './telemetry.ts';
import { FakeMachine } from './testing/fake-machine.ts';

const machines: Readonly<Record<string, () => Machine>> = {
  fake: () => new FakeMachine(),
  'this one': () =>
    new SysteminformationMachine({ folder: import.meta.dirname, clock: systemClock, timer: systemTimer }),
};

for (const [name, make] of Object.entries(machines)) {
  test(`${name}: figures fit the contract, and one reading serves who asks meanwhile`, async (t) => {
    const machine = make();
    const [first, second] = await Promise.all([machine.read(), machine.read()]);
    t.deepEqual(first, second);
    const { machine: figures } = makeTelemetry({ uptime: seconds(1), machine: first });
    t.deepEqual(figures, first);
    t.true((first.cpuLoad ?? -1) >= 0 && (first.cpuLoad ?? 2) <= 1);
    t.true((first.memoryUsedBytes ?? 0) > 0 && (first.memoryUsedBytes ?? 0) < (first.memoryTotalBytes ?? 0));
    t.true((first.processBytes ?? 0) > 1e7);
  });
}

test('this machine tells of its disk and its network', async (t) => {
  const machine = new SysteminformationMachine({ folder: tmpdir(), clock: systemClock, timer: systemTimer });
  const { diskFreeBytes = 0, diskTotalBytes = 0, networkReceivedBytes = 0 } = await machine.read();
  t.true(diskFreeBytes > 0 && diskFreeBytes <= diskTotalBytes);
  t.true(networkReceivedBytes >= 0);
});

test('a source that fails or is late leaves its figures out', async (t) => {
  const gone = { folder: '/nowhere/at/all', clock: systemClock, timer: systemTimer };
  const figures = await new SysteminformationMachine(gone).read();
  t.is(figures.diskFreeBytes, undefined);
  t.true((figures.memoryTotalBytes ?? 0) > 0);
  const late = new SysteminformationMachine({ ...gone, timer: { sleep: () => Promise.resolve() } });
  t.deepEqual(Object.keys(await late.read()), ['processBytes']);
});

function sysfs(t: ExecutionContext, files: Readonly<Record<string, string>>): Sysfs {
  const root = mkdtempSync(join(tmpdir(), 'atalaya-sysfs-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  return new Sysfs(root);
}

const everything = async (files: Sysfs) =>
  Object.assign({}, await files.temperature(), await files.throttling(), await files.diskWear(), await files.power());

test('a Raspberry Pi', async (t) => {
  const files = sysfs(t, {
    'class/thermal/thermal_zone0/type': 'cpu-thermal',
    'class/thermal/thermal_zone0/temp': '61322',
    'devices/platform/soc/soc:firmware/get_throttled': '50005',
    'block/mmcblk0/device/life_time': '0x03 0x01',
    'block/mmcblk0boot0/device/life_time': '0x09 0x09',
    'block/loop0/size': '0',
  });
  t.deepEqual(await everything(files), {
    temperatureC: 61.322,
    throttled: true,
    underVoltage: true,
    diskWearPercent: 30,
  });
});

test('one that is cool now and was held back before', async (t) => {
  const files = sysfs(t, { 'devices/platform/soc/soc:firmware/get_throttled': '50000' });
  t.deepEqual(await everything(files), { throttled: false, underVoltage: false });
});

test('a Jetson', async (t) => {
  const files = sysfs(t, {
    'class/thermal/thermal_zone0/type': 'gpu-thermal',
    'class/thermal/thermal_zone0/temp': '90000',
    'class/thermal/thermal_zone1/type': 'cpu-thermal',
    'class/thermal/thermal_zone1/temp': '47500',
    'class/thermal/cooling_device0/type': 'pwm-fan',
    'class/thermal/cooling_device0/cur_state': '3',
    'class/thermal/cooling_device1/type': 'cpufreq-cpu0',
    'class/thermal/cooling_device1/cur_state': '0',
    'class/hwmon/hwmon3/name': 'ina3221',
    'class/hwmon/hwmon3/in1_input': '5072',
  });
  t.deepEqual(await everything(files), { temperatureC: 47.5, throttled: false, powerVolts: 5.072 });
});

test('a machine with sensors alone, and one with nonsense in its files', async (t) => {
  const desk = sysfs(t, {
    'class/hwmon/hwmon0/name': 'nvme',
    'class/hwmon/hwmon0/temp1_input': '99000',
    'class/hwmon/hwmon1/name': 'k10temp',
    'class/hwmon/hwmon1/temp1_input': '52000',
    'class/hwmon/hwmon1/temp3_input': '55500',
    'class/power_supply/AC/online': '1',
    'class/power_supply/BAT0/voltage_now': '11800000',
  });
  t.deepEqual(await everything(desk), { temperatureC: 55.5, powerVolts: 11.8 });
  const odd = sysfs(t, {
    'class/thermal/thermal_zone0/type': 'cpu',
    'class/thermal/thermal_zone0/temp': 'hot',
    'block/mmcblk0/device/life_time': '0x00 0xff',
  });
  t.deepEqual(await everything(odd), {});
  t.deepEqual(await everything(new Sysfs('/nowhere')), {});
});

test('telemetry leaves out what is not known, and is what the centre takes', (t) => {
  const made = makeTelemetry({
    uptime: seconds(12.5),
    machine: { cpuLoad: Number.NaN, temperatureC: 40 },
    pipeline: { framesPerSecond: Number.POSITIVE_INFINITY, framesProcessed: 0 },
    sync: { queued: { alert: 0, infraction: 3 }, dropped: undefined as never },
  });
  t.deepEqual(made, {
    uptimeS: 12.5,
    machine: { temperatureC: 40 },
    pipeline: { framesProcessed: 0 },
    sync: { queued: { alert: 0, infraction: 3 } },
  });
  t.true(telemetry.safeParse(JSON.parse(JSON.stringify(made))).success);
  t.deepEqual(makeTelemetry({ uptime: seconds(1), machine: { cpuLoad: Number.NaN } }), { uptimeS: 1 });
  t.throws(() => makeTelemetry({ uptime: Number.NaN as never }), { code: 'internal' });
  t.throws(() => makeTelemetry({ uptime: seconds(1), machine: { cpuLoad: 'much' as never } }), { code: 'internal' });
});

test('the facts about a machine are those that its figures tell', async (t) => {
  t.deepEqual(machineFacts(await new FakeMachine().read()), { memory: { usedBytes: 1e9, totalBytes: 4e9 } });
  const all = { diskFreeBytes: 1, diskTotalBytes: 2, temperatureC: 3, throttled: false, underVoltage: true };
  t.deepEqual(machineFacts(all), {
    disk: { freeBytes: 1, totalBytes: 2 },
    temperatureC: 3,
    throttled: false,
    underVoltage: true,
  });
  t.deepEqual(machineFacts({ diskFreeBytes: 1 }), {});
});
