import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { imageBoards } from './boards.ts';
import { planImage } from './plan.ts';

const buildable = ['qemu-x86', 'qemu-arm64', 'rpi4'] as const;

test('a board without an image says why, and what to do instead', (t) => {
  for (const board of imageBoards.filter((one) => !buildable.some((other) => other === one))) {
    const error = t.throws(() => planImage(board), { code: 'usage-invalid' });
    t.regex(String(error?.message), new RegExp(`no image for ${board}: `));
    t.truthy((error as { hint?: string }).hint);
  }
});

for (const board of buildable) {
  test(`${board}: a plan is the same each time, and starts from the partition that it makes`, (t) => {
    const plan = planImage(board);
    t.deepEqual(plan, planImage(board));
    t.regex(plan.kernelArguments, /root=PARTUUID=a7a1a7a1-02 rootfstype=squashfs ro /);
    t.true(plan.bootFiles.some(({ text }) => text.includes(plan.kernelArguments)));
    t.true(plan.packages.some((name) => name.startsWith('linux-image-')));
  });

  test(`${board}: paths are plain, no file is written twice, no service of another role comes along`, (t) => {
    const { files, links, folders } = planImage(board);
    const paths = [...files, ...links].map(({ path }) => path);
    t.deepEqual([...new Set(paths)], paths);
    t.true([...paths, ...folders].every((path) => /^[a-z0-9][A-Za-z0-9@._/-]*$/.test(path) && !path.includes('..')));
    t.false(paths.some((path) => /bridge|podman|containers/.test(path)));
    for (const link of links.filter(({ target }) => target.startsWith('/etc/systemd/system/'))) {
      t.true(
        files.some(({ path }) => `/${path}` === link.target),
        link.path,
      );
    }
  });

  test(`${board}: the unit is started, by itself and as soon as it is enrolled; its key is made at the first start`, (t) => {
    const { links } = planImage(board);
    const wanted = links.filter(({ path }) => path.includes('.wants/')).map(({ path }) => path.split('/').at(-1));
    for (const unit of [
      'atalaya-unit.service',
      'atalaya-enrolled.path',
      'atalaya-trial-guard.path',
      'atalaya-page.service',
      'atalaya-identity.path',
      'atalaya-name.service',
    ]) {
      t.true(wanted.includes(unit), unit);
    }
  });

  test(`${board}: the unit is started by the launcher, which no update can write to`, (t) => {
    const { files } = planImage(board);
    const launcher = files.find(({ path }) => path === 'opt/atalaya/launcher');
    t.is(launcher?.mode, 0o755);
    t.is(launcher?.text, readFileSync(new URL('../../ota/launcher/atalaya-launcher', import.meta.url), 'utf8'));
    const unit = files.find(({ path }) => path.endsWith('/atalaya-unit.service'))?.text ?? '';
    t.regex(
      unit,
      /^ExecStart=\/opt\/atalaya\/launcher --root \/data\/program --image \/opt\/atalaya\/image run -- run /m,
    );
    t.regex(unit, new RegExp(`ATALAYA_BOARD=${board.replace('-', '')}$`, 'm'));
  });

  test(`${board}: nobody can log in, and nothing asks for it`, (t) => {
    const { packages, links } = planImage(board);
    t.false(packages.some((name) => /ssh|login$|telnet/.test(name)));
    for (const unit of ['getty@tty1', 'serial-getty@', 'emergency', 'rescue', 'debug-shell']) {
      t.true(
        links.some(({ path, target }) => path === `etc/systemd/system/${unit}.service` && target === '/dev/null'),
        unit,
      );
    }
  });

  test(`${board}: its scripts are scripts`, (t) => {
    for (const { path, text, mode } of planImage(board).files) {
      if (mode !== 0o755) continue;
      t.true(text.startsWith('#!/bin/sh\n'), path);
      t.notThrows(() => execFileSync('sh', ['-n'], { input: text }), path);
    }
  });
}
