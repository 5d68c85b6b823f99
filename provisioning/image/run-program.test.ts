import test from 'ava';
import { explain } from '../../device/kernel/errors.ts';
import { checkPrograms, type MakingMachine } from './run-program.ts';

const good: MakingMachine = {
  platform: 'linux',
  cpu: 'x64',
  user: 0,
  find: (program) => `/usr/bin/${program}`,
  runs: () => true,
};
const without =
  (...names: readonly string[]) =>
  (program: string) =>
    names.includes(program) ? undefined : `/usr/bin/${program}`;

test('a machine that has everything may make an image, also for another processor', (t) => {
  t.notThrows(() => checkPrograms('x64', good));
  t.notThrows(() => checkPrograms('arm64', good));
  t.notThrows(() => checkPrograms('x64', { ...good, find: without('arch-test'), runs: (cpu) => cpu === 'x64' }));
});

test('what is missing is named with its package, before anything is made', (t) => {
  const cases: readonly (readonly [Partial<MakingMachine>, 'x64' | 'arm64', RegExp])[] = [
    [{ find: without('mmdebstrap') }, 'x64', /^program-missing: mmdebstrap missing\n {2}apt-get install mmdebstrap$/],
    [{ find: without('mksquashfs', 'unsquashfs') }, 'x64', /unsquashfs missing\n {2}apt-get install squashfs-tools$/],
    [{ find: without('mformat', 'mke2fs') }, 'x64', /apt-get install e2fsprogs mtools$/],
    [{ find: without('arch-test') }, 'arm64', /arch-test missing\n {2}apt-get install arch-test$/],
    [{ runs: (cpu) => cpu === 'x64' }, 'arm64', /does not run programs for arm64\n {2}mount -t binfmt_misc/],
    [{ user: 1000 }, 'x64', /made by root.*\n {2}Run the same call with sudo/],
    [{ platform: 'darwin' }, 'x64', /on Linux only/],
  ];
  for (const [machine, cpu, words] of cases) {
    const fault = t.throws(() => checkPrograms(cpu, { ...good, ...machine }));
    t.regex(explain(fault), words);
  }
});
