import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../../../cloud-bridge/testing/free-port.ts';
import { callProgram, source } from '../../../device/testing/call-program.ts';
import { findProgram } from '../run-program.ts';
import { hostSeenFromMachine, whyNoBoot } from './booted-disk.ts';
import { HostCentre } from './host-centre.ts';
import { type MadeReleases, makeReleases } from './made-releases.ts';
import { cutAtRandom } from './power-cuts.ts';
import { StreetUnit, unitName, until } from './street-unit.ts';
import { lookAfterUpdates, updateByAir } from './update-unit.ts';

/**
 * From a blank disk to the first event at a centre, with the programs that a technician has: the image is flashed to a disk and started in an
 * emulated PC, enrolled by the digits of its screen, and watches the street; what it judges is archived by a bridge behind a Mosquitto on this
 * machine. Then it is updated over its link, to a good program and to a broken one (`update-unit.ts`; not with `--no-updates`). With `--cuts`
 * its power is then cut at random, and everything is held together at the end (`power-cuts.ts`).
 *
 * Ends with 0 where all holds, 1 where it does not, 3 where a program is missing here.
 */
async function watchFirstEvent(): Promise<number> {
  const { values } = parseArgs({
    options: {
      image: { type: 'string' },
      cuts: { type: 'string', default: '0' },
      updates: { type: 'boolean', default: true },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      work: { type: 'string' },
    },
    allowNegative: true,
  });
  const missing = whyNoBoot() ?? ['mosquitto', 'openssl', 'unsquashfs'].find((name) => findProgram(name) === undefined);
  if (missing !== undefined) {
    console.log(
      `passed over: ${missing} missing (apt-get install qemu-system-x86 e2fsprogs mosquitto openssl squashfs-tools)`,
    );
    return 3;
  }
  const image = values.image ?? join(source, '.build/image/qemu-x86.img');
  const work = values.work ?? mkdtempSync(join(tmpdir(), 'atalaya-first-event-'));
  const log = stopwatch();
  if (!existsSync(image)) {
    await callProgram('provision', ['image', '--board', 'qemu-x86', '--out', image]);
    log(`image built, ${(statSync(image).size / 1e6).toFixed(0)} MB`);
  }
  const centre = await HostCentre.open(join(work, 'centre'), hostSeenFromMachine);
  if (centre === undefined) return 3;
  log('authority, broker and bridge are there: made once for a fleet');
  const ports = { page: await freePort(), status: await freePort() };
  const unit = new StreetUnit({ image, work, ports });
  try {
    const releases = values.updates ? await publishReleases(unit, centre, work) : undefined;
    if (releases !== undefined) log('releases made and published, and a patch of what the image has');
    const blank = stopwatch('from the blank disk');
    await unit.flash();
    blank('flashed, and read back');
    await unit.startToPage();
    blank('started: its screen shows its key, the local page answers');
    await unit.enrol(centre);
    blank('enrolled');
    await unit.watches();
    blank('first frame judged');
    const watching = performance.now();
    await until('an infraction is archived', async () => (await centre.listed(unitName)).length > 0);
    blank('FIRST EVENT archived at the centre');
    const toEvent = performance.now() - watching;
    const faults: string[] = [];
    if (releases !== undefined) {
      await unit.playAgain(centre);
      const show = { unit, centre, releases, work, tell: stopwatch('of updates') };
      faults.push(...(await updateByAir(show)), ...(await lookAfterUpdates(show)));
    }
    const cuts = Number(values.cuts);
    if (cuts > 0) {
      if (releases !== undefined) await unit.startEnrolled();
      const seed = Number(values.seed);
      const account = await cutAtRandom({ unit, centre, cuts, seed, toEvent, work, tell: log });
      for (const line of account.lines) log(line);
      faults.push(...account.faults);
    }
    for (const fault of faults) console.log(`FAULT: ${fault}`);
    return Math.min(faults.length, 1);
  } finally {
    await unit.machine.cut();
    await centre.kill();
    if (values.work === undefined) rmSync(work, { recursive: true, force: true });
  }
}

/** Everything that is published is made before the machine starts: both would take each other's time. */
async function publishReleases(unit: StreetUnit, centre: HostCentre, work: string): Promise<MadeReleases> {
  await unit.flash();
  const releases = await makeReleases(unit.machine, work);
  await centre.publish([releases.bundles]);
  return releases;
}

/** Says a line with the seconds since it was made, and since the line before. */
function stopwatch(of = 'since the beginning'): (line: string) => void {
  const begun = performance.now();
  let last = begun;
  return (line) => {
    const now = performance.now();
    const [all, one] = [now - begun, now - last].map((time) => (time / 1000).toFixed(1).padStart(6));
    console.log(`${all} s ${of} (+${one?.trim()} s): ${line}`);
    last = now;
  };
}

// What was started ends with this program, also where a person stops it.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => process.exit(130));
process.exitCode = await watchFirstEvent();
