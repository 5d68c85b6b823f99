import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { commandScript, nodePath } from '../../ota/bundle/start-script.ts';
import { composeProgram } from '../../ota/cli/bundle/compose-program.ts';
import { statedTree } from '../../ota/cli/testing/bundle-tree.ts';
import { unitPrograms } from '../bundle/plan-bundle.ts';
import { layTree } from '../bundle/testing/lay-tree.ts';
import { planImage, shippedProgram as shipped } from './plan.ts';

const image = planImage('qemu-x86');
const commands = image.links.filter(({ path }) => path.startsWith('usr/bin/'));

function scratch(t: ExecutionContext): string {
  const work = mkdtempSync(join(tmpdir(), 'atalaya-commands-'));
  t.teardown(() => rmSync(work, { recursive: true }));
  return work;
}

test("every command of a unit's bundle is on the path of every shell, and no other", async (t) => {
  const sees = "import 'sees';\nimport '../../package.json' with { type: 'json' };\n";
  const tree = statedTree({
    files: Object.fromEntries(unitPrograms.map((path) => [path, sees])),
    programs: unitPrograms,
  });
  const stage = join(scratch(t), 'stage');
  layTree(tree, stage, false);
  const { files } = await composeProgram(tree, stage, { release: 1, version: '0.1.0', hardware: ['arm64'] });
  t.deepEqual(
    commands.map(({ path }) => path.slice('usr/'.length)),
    files.flatMap(({ path }) => (path.startsWith('bin/') ? [path] : [])).sort(),
  );
});

const script = { cpu: 'x64', flags: '--flag', environment: 'A=1' } as const;

/** The paths of an image below a folder, and programs whose Node says where it lies and what it is to run. */
function layUnit(t: ExecutionContext) {
  const root = scratch(t);
  chmodSync(root, 0o755);
  const at = (path: string): string => join(root, path);
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text, { mode: 0o755 });
  };
  const link = (path: string, target: string): void => {
    mkdirSync(dirname(at(path)), { recursive: true });
    rmSync(at(path), { force: true });
    symlinkSync(at(target), at(path));
  };
  for (const { path, text } of image.files) {
    // Root becomes an account that every machine has: this one has no unit's.
    if (path.startsWith('usr/lib/atalaya/'))
      put(
        path,
        text
          .replaceAll(/(?<=[ "])\/opt\//g, `${root}/opt/`)
          .replaceAll('=atalaya ', '=65534 ')
          .replace('--init-groups', '--clear-groups'),
      );
  }
  for (const { path, target } of [...commands, ...image.links.filter(({ path }) => path === 'opt/atalaya/current')])
    link(path, target);
  const program = (folder: string, names: readonly string[]): void => {
    for (const name of names) put(`${folder}/bin/${name}`, commandScript(`cli/${name}.js`, script));
    put(
      `${folder}/${nodePath('x64')}`,
      '#!/bin/sh\nreadlink -f "$0"; shift; readlink -m "$1"; shift; echo "$@"; [ "$1" != fails ] || exit 6\n[ "$1" != who ] || { id -u; id -G; }\n',
    );
  };
  const call = (name: string, ...words: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(name, words, { env: { PATH: `${at('usr/bin')}:/usr/bin:/bin` } });
    return { status, said: stdout.toString().trim(), complained: stderr.toString().trim() };
  };
  const ran = (folder: string, name: string, words: string): string =>
    [at(`${folder}/${nodePath('x64')}`), at(`${folder}/cli/${name}.js`), words].join('\n');
  return { root, link, program, call, ran };
}

const [a, b] = ['data/program/a/program', 'data/program/b/program'];

test('a command is that of the program that runs, from slot to slot, with its words and its end', (t) => {
  const { link, program, call, ran } = layUnit(t);
  const names = commands.map(({ path }) => basename(path));
  for (const folder of [shipped, a, b]) program(folder, names);
  for (const folder of [shipped, a, b]) {
    link('data/program/current', folder);
    for (const name of names) t.is(call(name, 'one', 'two  words').said, ran(folder, name, 'one two  words'));
  }
  t.is(call('atalaya-ota', 'fails').status, 6);
});

test("where nothing leads to a program, or that has no such command, it is the image's", (t) => {
  const { root, link, program, call, ran } = layUnit(t);
  const ofImage = ran(shipped, 'atalaya-ota', 'status');
  program(shipped, ['atalaya-ota']);
  t.is(call('atalaya-ota', 'status').said, ofImage, 'no data partition');
  link('data/program/current', b);
  t.is(call('atalaya-ota', 'status').said, ofImage, 'it leads nowhere');
  program(b, ['atalaya-unit']);
  t.is(call('atalaya-ota', 'status').said, ofImage, 'an older program');
  t.is(call('atalaya-unit', 'run').said, ran(b, 'atalaya-unit', 'run'));
  const { status, complained } = call('atalaya-audit');
  t.is(status, 127);
  t.is(complained, `atalaya-audit: neither ${root}/opt/atalaya/current nor ${root}/${shipped} has it`);
});

test('root runs nothing that the account of the unit could have written, and becomes it first', (t) => {
  const text = image.files.find(({ path }) => path === 'usr/lib/atalaya/run-command')?.text ?? '';
  t.regex(
    text,
    /^if \[ "\$\(id -u\)" = 0 \]; then become='setpriv --reuid=atalaya --regid=atalaya --init-groups --'; fi$/m,
  );
  const { root, link, program, call } = layUnit(t);
  link('data/program/current', b);
  for (const folder of [shipped, b]) program(folder, ['atalaya-ota']);
  const me = process.getuid?.();
  const ids = (): readonly string[] => call('atalaya-ota', 'who').said.split('\n').slice(3);
  if (me === 0) t.deepEqual(ids(), ['65534', '65534']);
  else t.is(ids()[0], String(me));
  rmSync(join(root, 'data'), { recursive: true });
  if (me === 0) t.deepEqual(ids(), ['65534', '65534'], "the image's program too");
});
