import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from '../../../cloud-bridge/testing/free-port.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { callProgram, source } from '../../../device/testing/call-program.ts';
import { masterBootRecord, placePartitions, sector } from '../partitions.ts';
import { findProgram, runProgram } from '../run-program.ts';
import { stickLabel } from '../stick-files.ts';
import { hostSeenFromMachine, whyNoBoot } from './booted-disk.ts';
import { HostCentre } from './host-centre.ts';
import { makeReleases } from './made-releases.ts';
import { StreetUnit, unitName, until } from './street-unit.ts';

/** An emulated processor takes minutes to hash, build and try what a board does in seconds. */
const patience = 3_600_000;

/**
 * Brings an emulated unit its update on a stick that is only plugged in: before it is enrolled, one that is for others, and one for it, from which
 * it is updated up to the confirmation. What is looked for is what its screen says. Takes twenty minutes.
 *
 * Ends with 0 where all of it was said, 1 where it was not, 3 where a program is missing here.
 */
async function bringStick(): Promise<number> {
  const { values } = parseArgs({ options: { image: { type: 'string' }, work: { type: 'string' } } });
  const needed = ['mosquitto', 'openssl', 'unsquashfs', 'mformat', 'mcopy', 'mke2fs'];
  const missing = whyNoBoot() ?? needed.find((name) => findProgram(name) === undefined);
  if (missing !== undefined) {
    console.log(`passed over: ${missing} missing`);
    return 3;
  }
  const image = values.image ?? join(source, '.build/image/qemu-x86.img');
  const work = values.work ?? mkdtempSync(join(tmpdir(), 'atalaya-bring-stick-'));
  const centre = await HostCentre.open(join(work, 'centre'), hostSeenFromMachine);
  if (centre === undefined) return 3;
  const unit = new StreetUnit({ image, work, ports: { page: await freePort(), status: await freePort() }, usb: true });
  const { machine } = unit;
  const begun = performance.now();
  const tell = (line: string): void =>
    console.log(`${((performance.now() - begun) / 1000).toFixed(0).padStart(5)} s  ${line}`);
  let from = 0;
  const shows = async (what: RegExp): Promise<void> => {
    await until(`its screen shows ${what}`, async () => what.test(machine.said.slice(from)), patience);
    tell(`screen: ${what.exec(machine.said.slice(from))?.[0].trim()}`);
  };
  const plug = async (stick: string): Promise<void> => {
    from = machine.said.length;
    await machine.plug(stick);
    tell(`plugged in: ${stick}`);
  };
  const pull = async (): Promise<void> => {
    from = machine.said.length;
    await machine.pull();
    await until(
      'its screen says nothing of a stick any more',
      async () => {
        const last = machine.said.slice(from).split('\u001bc').at(-1) ?? '';
        return /atalaya-test0042/.test(last) && !/^Stick: /m.test(last);
      },
      120_000,
    );
    tell('pulled out, and nothing of it is shown any more');
  };
  try {
    await unit.flash();
    const releases = await makeReleases(machine, work);
    await centre.publish([releases.bundles]);
    const folder = join(work, 'stick');
    mkdirSync(folder, { recursive: true });
    const at = (name: string): string => join(centre.folder, name);
    // Of a copy: the link of this unit knows nothing of the job, so that whatever comes does so from the stick.
    cpSync(at('repository'), join(work, 'repository'), { recursive: true });
    await callProgram('ota', [
      ...['stick', '-r', join(work, 'repository'), '--key', at('online.pem'), '--unit', unitName],
      ...[
        '--install',
        releases.good.target,
        '--hold',
        '60',
        '--deadline',
        '3600',
        '--starts',
        '3',
        '--out',
        join(folder, unitName),
      ],
    ]);
    const foreign = join(work, 'foreign');
    for (const name of ['image', 'director']) mkdirSync(join(foreign, 'south-9', name), { recursive: true });
    const sticks = {
      ours: await writeStick(join(work, 'ours.img'), folder, 'a partition of FAT'),
      other: await writeStick(join(work, 'other.img'), foreign, 'ext4'),
      bare: await writeStick(join(work, 'bare.img'), foreign, 'FAT alone'),
    };
    tell('releases and sticks are made');
    await unit.startToPage();
    await plug(sticks.bare);
    await shows(/^Stick: this unit is not enrolled.*$/m);
    await pull();
    await unit.enrol(centre, 'again');
    await unit.watches();
    tell('enrolled; it judges frames');
    await plug(sticks.other);
    await shows(/^Stick: it holds no update for north-1.*$/m);
    await pull();
    await plug(sticks.ours);
    await shows(/^Stick: job .*$/m);
    await shows(/^Trial .*$/m);
    await shows(/^Last .* succeeded.*$/m);
    await pull();
    return 0;
  } catch (error) {
    tell(`FAULT: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    // The journal is written once a minute.
    await wait(65_000);
    await machine.cut();
    await centre.kill();
    if (existsSync(machine.disk)) {
      const journal = await (await machine.data()).journal();
      console.log(
        journal
          .split('\n')
          .filter((line) => /stick/i.test(line))
          .join('\n'),
      );
    }
    if (values.work === undefined) rmSync(work, { recursive: true, force: true });
  }
}

/** What a technician's computer makes of a folder: the bytes of a stick. */
async function writeStick(
  file: string,
  folder: string,
  form: 'a partition of FAT' | 'FAT alone' | 'ext4',
): Promise<string> {
  const run = { deadline: milliseconds(120_000), log: `${file}.log` };
  rmSync(file, { force: true });
  writeFileSync(file, '');
  truncateSync(file, 512 * 2 ** 20);
  if (form === 'ext4') {
    await runProgram('mke2fs', ['-q', '-t', 'ext4', '-L', stickLabel, '-d', folder, file], run);
    return file;
  }
  const partitioned = form === 'a partition of FAT';
  if (partitioned) await writeTable(file);
  const place = partitioned ? `${file}@@1M` : file;
  await runProgram(
    'mformat',
    ['-i', place, '-F', '-v', stickLabel, '-T', String(511 * 2048), '-h', '64', '-s', '32', '::'],
    run,
  );
  await runProgram('sh', ['-c', 'mcopy -s -i "$1" "$2"/* ::', 'sh', place, folder], run);
  return file;
}

async function writeTable(file: string): Promise<void> {
  const bytes = 511 * 2 ** 20;
  const placed = placePartitions([{ name: 'data', type: 0x0c, bytes }]);
  const disk = await open(file, 'r+');
  await disk.write(masterBootRecord(Buffer.alloc(0), 0x5717_c001, placed), 0, sector, 0);
  await disk.close();
}

// What was started ends with this program, also where a person stops it.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => process.exit(130));
process.exitCode = await bringStick();
