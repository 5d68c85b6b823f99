import { mkdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { milliseconds } from '../../../device/kernel/units.ts';
import { BootedDisk, whyNoBoot } from './booted-disk.ts';

/** What was seen of an image that was started twice on an emulated PC. Milliseconds from the switch on. */
export type FirstStart =
  | { readonly kind: 'passed over'; readonly why: string }
  | {
      readonly kind: 'seen';
      /** Until the screen shows the key, at the first start and at the one after a power cut. */
      readonly first: number;
      readonly second: number;
      readonly faults: readonly string[];
    };

const key = /key ((?:[0-9A-F]{4} ){15}[0-9A-F]{4})/g;
const deadline = milliseconds(300_000);

/**
 * Starts an image of `qemu-x86` from its disk alone, cuts the power when the key is shown, starts it again, and looks at what is on the disk.
 * Takes two to three minutes.
 */
export async function watchFirstStart(image: string, work: string): Promise<FirstStart> {
  const why = whyNoBoot();
  if (why !== undefined) return { kind: 'passed over', why };
  mkdirSync(work, { recursive: true });
  const machine = new BootedDisk({ image, work, disk: 4 * 2 ** 30, serial: 'TEST0042' });
  await machine.put();
  const before = machine.partition(3);
  try {
    const shown = /not enrolled\r?\n/;
    const first = await machine.start(shown, deadline);
    await machine.cut();
    const second = await machine.start(shown, deadline);
    // The journal is written once a minute; what is waited for here is its next time.
    await wait(milliseconds(65_000));
    await machine.cut();
    return { kind: 'seen', first, second, faults: await look(machine, before.length) };
  } finally {
    await machine.cut();
  }
}

/** Sentences; none where all is as it should be. */
async function look(machine: BootedDisk, before: number): Promise<readonly string[]> {
  const faults: string[] = [];
  const expect = (holds: boolean, sentence: string): void => {
    if (!holds) faults.push(sentence);
  };
  const keys = new Set([...machine.said.matchAll(key)].map((match) => match[1]));
  expect(keys.size === 1, `the two starts showed ${keys.size} keys`);
  expect(machine.said.includes('serial TEST0042 (from dmi)'), "the screen does not show the machine's serial");
  const { length, start } = machine.partition(3);
  expect(length > before, 'the data partition did not grow');
  expect(start + length >= (4 * 2 ** 30) / 512 - 2048, 'the data partition does not reach the end of the disk');
  const data = await machine.data();
  const blocks = Number(/Block count:\s+(\d+)/.exec(await data.ask('stats'))?.[1] ?? 0);
  expect(blocks * 8 > length - 2048, `the file system has ${blocks} blocks of 4096 bytes in ${length} sectors`);
  expect(
    / 100600 .* unit\.key/.test(await data.ask('ls -l /unit/identity')),
    'unit.key is missing or others may read it',
  );
  expect(/^[0-9a-f]{32}$/m.test(await data.ask('cat /system/machine-id')), 'the machine has no identity of its own');
  const journal = await data.journal();
  expect(/Started atalaya-enrolled\.path/.test(journal), 'nothing waits for the enrolment');
  expect(
    /atalaya-unit\.service .* was skipped because of an unmet condition/.test(journal),
    'the unit was not left to wait for its enrolment',
  );
  expect(/hostname|atalaya-test0042 systemd/.test(journal), 'the machine is not named after its serial');
  for (const line of journal.split('\n')) {
    if (/Failed to start|Dependency failed|: Failed with result|status=\d+\/[A-Z]/.test(line)) faults.push(line.trim());
  }
  return faults;
}

if (import.meta.main) {
  const [image, work] = process.argv.slice(2);
  if (image === undefined || work === undefined) {
    console.error('first-start.ts IMAGE FOLDER');
    process.exitCode = 2;
  } else {
    const seen = await watchFirstStart(image, work);
    console.log(JSON.stringify(seen, undefined, 2));
    process.exitCode = seen.kind === 'seen' ? Math.min(seen.faults.length, 1) : 3;
  }
}
