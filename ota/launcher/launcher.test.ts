import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import { systemTreeFiles as files } from '../../device/kernel/tree-files.ts';
import { FolderSlots } from '../slots/folder-slots.ts';
import { textIn } from '../slots/testing/made-slot.ts';
import { guardOf, startOf } from '../slots/testing/start-of.ts';
import {
  args,
  type Disk,
  folder,
  guarded,
  launcher,
  lay,
  link,
  looks,
  type SlotLook,
  started,
  stateNames,
  whole,
} from './testing/laid-disk.ts';

const call = promisify(execFile);
const { PATH: searched } = process.env;

test('the script decides as its model does, and leaves the same state, whatever is damaged', async (t) => {
  const damaged = [
    '',
    '\n',
    'a\n\n',
    ' a\n',
    'a',
    'a\r\n',
    'c\n',
    'a\0\n',
    '\0\0\0\0',
    'ä\n',
    'a a\n',
    folder,
    link,
    'x'.repeat(5000),
  ];
  const trials = ['a 2 9\n', 'b 2 9\n', 'b 3 1\n', 'b 0 5\n', 'b 3 0\n', 'image 1 5\n', 'image 2 9\n', 'a 1 10\n'];
  const nearly = ['b 02 5\n', 'b 2\n', 'b 2 9 9\n', 'b  2 9\n', 'b 99999 1\n', 'b -1 5\n', 'b 2 9', 'b\n2 9\n'];
  const text = (...known: readonly string[]) =>
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(undefined) },
      { weight: 4, arbitrary: fc.constantFrom(...known) },
      { weight: 1, arbitrary: fc.constantFrom(...damaged) },
    );
  const look = fc.oneof(
    { weight: 4, arbitrary: fc.constant<SlotLook>('whole') },
    { weight: 2, arbitrary: fc.constantFrom(...looks) },
  );
  const disk = fc
    .record({
      confirmed: text('a\n', 'a b\n', 'a image\n', 'b\n', 'image\n', 'image a\n'),
      trial: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...trials) }, { weight: 2, arbitrary: text(...nearly) }),
      minutes: text('0\n', '1\n', '7\n', '5000\n', '08\n'),
      'rolled-back': fc.oneof(
        { weight: 4, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom('b no frames\n', 'a it is not whole\n', 'b', '\0b x\n', '', folder) },
      ),
      a: look,
      b: look,
      image: fc.constantFrom('whole' as const, 'whole' as const, 'node' as const, 'empty' as const),
    })
    .map(
      (all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as unknown as Disk,
    );
  const steps = fc.array(fc.constantFrom('start' as const, 'start' as const, 'guard' as const), {
    minLength: 1,
    maxLength: 3,
  });
  // Each end is seen, whatever is drawn.
  const certain: [Disk, ('start' | 'guard')[]][] = [
    [{ ...whole, trial: 'b 1 2\n' }, ['start', 'guard', 'start']],
    [{ ...whole, confirmed: 'b a\n', trial: 'a 1 1\n' }, ['start', 'guard', 'start']],
    [{ ...whole, confirmed: 'a\n', trial: 'image 1 9\n' }, ['start', 'start', 'guard']],
    [{ a: 'no record', b: 'no start', image: 'empty', confirmed: 'a\n' }, ['start']],
  ];
  const kinds = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(disk, steps), { minLength: 8, maxLength: 8 }), async (cases) => {
      await Promise.all(
        cases.map(async ([before, moves]) => {
          const [real, model] = [await lay(t, before), await lay(t, before)];
          for (const move of moves) {
            const [seen, expected] =
              move === 'start'
                ? [await started(real), await startOf(files, model)]
                : [await guarded(real), await guardOf(files, model)];
            const said = JSON.stringify(seen) ?? 'nothing';
            kinds.set(said, (kinds.get(said) ?? 0) + 1);
            if (said !== (JSON.stringify(expected) ?? 'nothing')) {
              throw new Error(`${move}: the script says ${said}, the model ${JSON.stringify(expected)}`);
            }
            if (move === 'start' && seen !== undefined && typeof seen === 'object' && !seen.trial) {
              // Whoever runs then agrees with it, whatever the damage.
              const { confirmed } = await new FolderSlots({ files, root: real, image: join(real, 'image') }).state();
              if (confirmed.slot !== seen.slot)
                throw new Error(`${seen.slot} runs, ${confirmed.slot} is said confirmed`);
            }
            const [left, meant] = await Promise.all([stateOf(real), stateOf(model)]);
            if (left !== meant) throw new Error(`after ${move} the script leaves ${left}, the model ${meant}`);
          }
        }),
      );
    }),
    { numRuns: 16, examples: [[certain]] },
  );
  t.log([...kinds].map(([kind, count]) => `${kind} ${count}`).join(', '));
  t.is(kinds.size, 9, 'each slot with and without a trial, nothing, and both answers of the guard');
});

async function stateOf(root: string): Promise<string> {
  const texts = await Promise.all(
    stateNames.map(async (name) => [
      name,
      (await files.look(join(root, name)))?.kind,
      await textIn(files, join(root, name)),
    ]),
  );
  return JSON.stringify(texts);
}

test('arguments and the environment arrive, and the process stays the same', async (t) => {
  const root = await lay(t, { ...whole, confirmed: 'a\n', trial: 'b 1 5\n' });
  const start = join(root, 'b/program/start');
  await writeFile(
    start,
    '#!/bin/sh\necho $$\nenv | grep ^ATALAYA_ | sort\numask\nfor word in "$@"; do echo "$word"; done\n',
  );
  const child = spawn(
    'sh',
    ['-c', `umask 0077; exec ${launcher} "$@"`, 'sh', ...args(root), 'run', '--', 'run', 'two words', '', '*'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: searched },
    },
  );
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child, 'close');
  t.deepEqual(said.split('\n'), [
    String(child.pid),
    `ATALAYA_COMPONENTS=${root}/b/components`,
    `ATALAYA_IMAGE=${root}/image`,
    `ATALAYA_LAUNCHER=${launcher}`,
    `ATALAYA_PROGRAM_ROOT=${root}/b/program`,
    'ATALAYA_SLOT=b',
    `ATALAYA_SLOTS=${root}`,
    'ATALAYA_TRIAL=1',
    ...['0077', 'run', 'two words', '', '*', ''],
  ]);
  t.is(await readlink(join(root, 'current')), join(root, 'b/program'));
  t.deepEqual(await started(root), { slot: 'a', trial: false });
  t.is(await readlink(join(root, 'current')), join(root, 'a/program'));
});

test('a program becomes the launcher again, and that the next program: one process all the way', async (t) => {
  const root = await lay(t, { ...whole, confirmed: 'a\n' });
  const again = `
    const { ATALAYA_LAUNCHER: launcher } = process.env;
    require('node:fs').writeFileSync(${JSON.stringify(join(root, 'trial'))}, 'b 1 5\\n');
    console.log('first ' + process.pid);
    process.execve(launcher, [launcher, 'run', '--', ...process.argv.slice(2)]);
  `;
  await writeFile(join(root, 'again.cjs'), again);
  await writeFile(
    join(root, 'a/program/start'),
    `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'again.cjs')}' "$@"\n`,
  );
  await writeFile(join(root, 'b/program/start'), '#!/bin/sh\necho "second $$ $ATALAYA_SLOT $ATALAYA_TRIAL $*"\n');
  const { stdout } = await call(launcher, [...args(root), 'run', '--', 'run', '--config', 'x']);
  const [, process1, process2] = /^first (\d+)\nsecond (\d+) b 1 run --config x\n$/.exec(stdout) ?? [];
  t.truthy(process1, stdout);
  t.is(process1, process2);
});

test('an image without a start program is run by its own Node, as sources or as scripts', async (t) => {
  const root = await lay(t, { a: 'missing', b: 'missing', image: 'node' });
  const said = async () =>
    (await call(launcher, [...args(root), 'run', '--', 'run', '--config', 'x'])).stdout.split('\n');
  const node = '--max-semi-space-size=4';
  t.deepEqual(await said(), ['image/', node, `${root}/image/device/cli/atalaya-unit.ts`, 'run', '--config', 'x', '']);
  await writeFile(join(root, 'image/device/cli/atalaya-unit.js'), '');
  t.deepEqual(await said(), ['image/', node, `${root}/image/device/cli/atalaya-unit.js`, 'run', '--config', 'x', '']);
});

test('the folders come from options, or from the environment that a start passes on', async (t) => {
  const root = await lay(t, { ...whole, confirmed: 'b\n' });
  const env = { PATH: searched, ATALAYA_SLOTS: root, ATALAYA_IMAGE: join(root, 'image') };
  t.is((await call(launcher, ['run', '--', 'run'], { env })).stdout, 'b/\nrun\n');
  for (const wrong of [[], ['run'], ['run', 'x'], ['--root'], ['guard', '--restart'], ['go']]) {
    await t.throwsAsync(call(launcher, wrong, { env }), { code: 2 } as object);
  }
});

test('what a technician reads: why the unit does not start what it should, and the state as a whole', async (t) => {
  const root = await lay(t, { confirmed: 'a\n', trial: 'b 0 5\n', a: 'no start', b: 'whole', image: 'empty' });
  const { stderr } = await call(launcher, [...args(root), 'run', '--', 'run']);
  t.deepEqual(stderr.trimEnd().split('\n'), [
    'atalaya-launcher: slot b is given up: its starts were used up',
    'atalaya-launcher: slot a cannot be started: it is not whole',
    'atalaya-launcher: slot image cannot be started: it is not whole',
    'atalaya-launcher: slot b is started, although it is not the confirmed one',
  ]);
  const status = await call(launcher, [...args(root), 'status']);
  t.deepEqual(status.stdout.trimEnd().split('\n'), [
    'a: cannot be started',
    'b: whole',
    'image: cannot be started',
    'confirmed: a',
    'trial: none',
    'given up: b its starts were used up',
    `started last: ${root}/b/program`,
  ]);
});

test('the guard runs the command that starts the unit anew, when the minutes are over', async (t) => {
  const root = await lay(t, { ...whole, trial: 'b 3 2\n' });
  const minute = () => call(launcher, [...args(root), 'guard', '--restart', `echo again >> ${root}/said`]);
  t.deepEqual(await started(root), { slot: 'b', trial: true });
  await minute();
  t.is(await textIn(files, join(root, 'said')), undefined);
  await minute();
  t.is(await textIn(files, join(root, 'said')), 'again\n');
  t.deepEqual(await started(root), { slot: 'image', trial: false });
  await minute();
  t.is(await textIn(files, join(root, 'said')), 'again\n');
});

test('on data that cannot be written no trial is begun, and the unit is not started anew each minute', async (t) => {
  const root = await lay(t, { ...whole, confirmed: 'a\n', trial: 'b 3 2\n' });
  // For root too: a name that cannot be made and one that cannot be removed are told by programs of their own.
  const tools = scratchFolder(t);
  for (const name of ['mv', 'rm']) {
    await writeFile(join(tools, name), `#!/bin/sh\necho "${name}: Read-only file system" >&2\nexit 1\n`);
    await chmod(join(tools, name), 0o755);
  }
  const env = { PATH: `${tools}:${searched}` };
  const run = () => call(launcher, [...args(root), 'run', '--', 'run'], { env });
  t.is((await run()).stdout, 'a/\nrun\n');
  t.regex((await run()).stderr, /the trial of slot b is put off: its start cannot be counted/);
  await t.throwsAsync(call(launcher, [...args(root), 'guard'], { env }), { code: 1 } as object);
  t.is(await readFile(join(root, 'trial'), 'utf8'), 'b 3 2\n');
  t.deepEqual(await started(root), { slot: 'b', trial: true });
});

test('a trial that waits for its first start loses no minute, however long the unit is off', async (t) => {
  const root = await lay(t, { ...whole, confirmed: 'a\n', trial: 'b 3 2\n' });
  for (let minute = 0; minute < 3; minute += 1) t.false(await guarded(root));
  t.is(await textIn(files, join(root, 'minutes')), undefined);
  t.deepEqual(await started(root), { slot: 'b', trial: true });
  t.is(await textIn(files, join(root, 'minutes')), '2\n');
  t.false(await guarded(root));
  t.deepEqual(await started(root), { slot: 'b', trial: true });
  t.is(await textIn(files, join(root, 'minutes')), '1\n', 'the next start does not give them back');
  t.true(await guarded(root));
  t.deepEqual(await started(root), { slot: 'a', trial: false });
});
