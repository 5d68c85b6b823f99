import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { type Exit, exit } from '../../../device/cli/exit-codes.ts';
import { sleep } from '../../../device/kernel/clock.ts';
import { fault } from '../../../device/kernel/testing/fault.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { fillSlot, madeRecord } from '../../slots/testing/made-slot.ts';
import { KilledUnit, killedUnit } from '../../testing/killed-unit.ts';
import type { UpdateStanding } from '../../update/update-standing.ts';
import { readUpdateState } from '../../update/update-state.ts';
import { madeIo } from '../testing/made-io.ts';
import { addUnitCommands } from './add-unit-commands.ts';
import { historyWords, progressBar, statusWords } from './status-words.ts';

interface Called {
  readonly lines: readonly string[];
  readonly notes: readonly string[];
  readonly code: Exit;
}

async function call(unit: Pick<KilledUnit, 'root' | 'world'>, ...args: readonly string[]): Promise<Called> {
  const { io, lines, notes, code } = madeIo({ randomBytes: (length) => crypto.getRandomValues(Buffer.alloc(length)) });
  const root = new Command('atalaya-ota').exitOverride();
  addUnitCommands(root, io);
  const [name = '', ...rest] = args;
  const place = ['--root', unit.root, '--image', join(unit.world, 'image')];
  await root.parseAsync([name, ...rest, ...place], { from: 'user' });
  return { lines, notes, code: code() };
}

const standing: UpdateStanding = {
  at: '2026-03-01T12:00:00.000Z',
  running: { slot: 'b', version: '1.2.0', release: 2 },
  trial: {
    slot: 'b',
    startsLeft: 2,
    used: 70,
    deadline: 3600,
    held: 60,
    hold: 600,
    failing: ['camera: no frames arrive from the street since the start'],
  },
  job: {
    id: 'job-0002',
    step: 'downloading',
    progress: { done: 23_100_000, total: 56_800_000 },
    reasons: ['patch-base: the patch is for another tree; the whole is taken'],
  },
  last: { job: 'job-0001', outcome: 'succeeded', at: '2026-03-01T11:00:00.000Z', reasons: [] },
  refused: { at: '2026-03-01T10:00:00.000Z', reason: `timestamp-expired: ${'x'.repeat(90)}` },
  fault: 'link-down: there is no link to the centre, and no stick',
};

test('where updates stand is read on a phone: no line is longer than 60 characters, nor than the terminal', (t) => {
  for (const width of [200, 60, 40]) {
    const lines = statusWords(standing, true, width);
    t.true(
      lines.every((line) => line.length <= Math.min(60, width)),
      lines.join('\n'),
    );
    t.true(lines.some((line) => line.includes('1.2.0 (release 2)')));
  }
  const text = statusWords(standing, true, 60).join('\n');
  t.regex(text, /well for 1:00 of 10:00; 58:50 left/);
  t.regex(text, /\[#+-+\] {2}40 % 23\.1 of 56\.8 MB/);
  t.is(progressBar({ done: 5e6, total: 1e7 }, 30), '[###----]  50 % 5.0 of 10.0 MB');
  t.is(progressBar({ done: 0, total: 0 }, 12), '100 % 0.0 of 0.0 MB');
});

test('a history is lines for people, each with its date', (t) => {
  const lines = historyWords(
    [
      {
        at: '2026-03-01T11:00:00.000Z',
        event: 'rolled-back',
        job: 'job-0001',
        slot: 'a',
        program: { version: '1.0.0', release: 1 },
        reasons: ['it was not well'],
      },
    ],
    60,
  );
  t.deepEqual(lines, [
    '2026-03-01 11:00 UTC  rolled-back',
    '          job-0001, slot a, running 1.0.0 (release 1)',
    '          because: it was not well',
  ]);
});

test.serial(
  'a running unit is asked: it installs from a folder, and goes back on a word; without it each says what to do',
  async (t) => {
    await using unit = await KilledUnit.open();
    t.true((await call(unit, 'status')).lines.some((line) => line.includes('the unit does not run')));
    t.deepEqual((await call(unit, 'history')).lines, []);
    t.is((await fault(call(unit, 'install', '--from', unit.world))).code, 'usage-invalid');
    t.is((await fault(call(unit, 'rollback', '--reason', 'why'))).code, 'act-refused');

    await unit.assignNext();
    const child = unit.start();
    try {
      const until = async (what: (standing: UpdateStanding) => boolean) => {
        for (let looks = 0; looks < 300; looks += 1) {
          const { lines } = await call(unit, 'status', '--json').catch(() => ({ lines: ['{}'] }));
          const seen = JSON.parse(lines[0] ?? '{}') as UpdateStanding & { unitRuns?: boolean };
          if (seen.unitRuns === true && what(seen)) return seen;
          await sleep(milliseconds(100));
        }
        throw new Error('it does not come to that');
      };
      // Its own link brings it; a stick with the same job changes nothing but where it comes from.
      await until(({ job }) => job?.id === 'job-0001' && job.step === 'downloading');
      const { notes, code } = await call(unit, 'install', '--from', join(unit.world, 'centre'));
      t.is(code, exit.done);
      t.true(notes.includes('job job-0001'), notes.join('\n'));
    } finally {
      if (child.exitCode === null) await new Promise((gone) => child.once('exit', gone));
    }
    const second = unit.start();
    try {
      for (let looks = 0; looks < 300 && (await unit.ended()) === undefined; looks += 1) await sleep(milliseconds(100));
      t.is((await unit.ended())?.outcome, 'succeeded');
      const refused = await fault(call(unit, 'install', '--from', join(unit.world, 'centre')));
      t.regex(refused.message, /^job-replayed: /);
      t.deepEqual((await call(unit, 'confirm', '--yes')).notes, ['nothing is on trial: what runs is confirmed']);
      const { lines } = await call(unit, 'rollback', '--reason', 'it reads no plates');
      t.deepEqual(lines, ['the version before is tried']);
      const { lines: told } = await call(unit, 'history');
      t.true(told.some((line) => line.includes('succeeded')));
    } finally {
      if (second.exitCode === null) await new Promise((gone) => second.once('exit', gone));
    }
    t.true((await call(unit, 'status')).lines.some((line) => line.includes('is tried at the next start')));
    const { lines } = await call(unit, 'rollback', '--reason', 'no, stay');
    t.regex(lines[0] ?? '', /^slot image is given up/);
  },
);

const alone = async (unit: KilledUnit, folder: string): Promise<string> => {
  const config = join(folder, 'atalaya.yaml');
  const updates = {
    imageRoot: join(unit.world, 'image.root.json'),
    directorRoot: join(unit.world, 'director.root.json'),
    clock: 'believed',
  };
  await writeFile(config, stringify({ unit: { id: killedUnit }, evidence: { data: join(folder, 'data') }, updates }));
  return config;
};

test.serial('a stick is installed beside a unit that does not run, up to the trial', async (t) => {
  await using unit = await KilledUnit.open(Date.now());
  await unit.assignNext();
  const folder = await mkdtemp(join(tmpdir(), 'alone-'));
  try {
    const config = await alone(unit, folder);
    const centre = join(unit.world, 'centre');
    const unknown = await fault(call(unit, 'install', '--from', centre));
    t.deepEqual([unknown.code, unknown.message], ['usage-invalid', 'the unit does not run']);
    const { notes, code } = await call(unit, 'install', '--from', centre, '--config', config);
    t.is(code, exit.done, notes.join('\n'));
    t.is(notes.at(-1), 'it is tried at the next start of the unit');
    t.true((await call(unit, 'status')).lines.some((line) => line.includes('slot a is tried at the next start')));
    const again = await fault(call(unit, 'install', '--from', centre, '--config', config));
    t.regex(again.message, /^slot a is on trial/);
    t.is((await fault(call(unit, 'confirm', '--yes'))).code, 'act-refused');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.serial(
  'a trial that the disk does not take is told beside a unit that does not run, and not waited for',
  async (t) => {
    await using unit = await KilledUnit.open(Date.now());
    await unit.assignNext();
    const folder = await mkdtemp(join(tmpdir(), 'alone-'));
    try {
      const config = await alone(unit, folder);
      await mkdir(join(unit.root, 'trial.part'));
      const { notes, code } = await call(unit, 'install', '--from', join(unit.world, 'centre'), '--config', config);
      t.is(code, exit.failed);
      t.regex(notes.at(-1) ?? '', /^rolled-back: the trial was given up/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

test.serial(
  'why a person goes back is kept where the unit does not run, too, for the unit that starts next',
  async (t) => {
    await using unit = await KilledUnit.open();
    for (const slot of ['a', 'b']) {
      await fillSlot(systemTreeFiles, join(unit.root, slot, 'program'), slot);
      await writeFile(join(unit.root, slot, 'slot.json'), `${JSON.stringify(madeRecord(slot))}\n`);
    }
    await writeFile(join(unit.root, 'confirmed'), 'b a\n');
    const { lines } = await call(unit, 'rollback', '--reason', 'it reads no plates', '--who', 'Ana');
    t.deepEqual(lines, ['the version before is tried at the next start of the unit']);
    const read = await readUpdateState(systemTreeFiles, unit.root);
    t.deepEqual(read.kind === 'read' ? read.state.goingBack : read, { wanted: 'Ana, at the unit: it reads no plates' });
  },
);

test.serial('a stick whose metadata has run out is refused beside a unit that does not run, too', async (t) => {
  await using unit = await KilledUnit.open();
  await unit.assignNext();
  const folder = await mkdtemp(join(tmpdir(), 'alone-'));
  try {
    const config = await alone(unit, folder);
    const late = await fault(call(unit, 'install', '--from', join(unit.world, 'centre'), '--config', config));
    t.regex(late.message, /expired/);
    t.false((await readdir(unit.root)).includes('a'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
