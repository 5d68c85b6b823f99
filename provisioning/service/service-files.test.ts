import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import { boards, type ServiceFile, serviceFiles, shippedServiceFiles, usualService } from './service-files.ts';

const call = promisify(execFile);
const here = new URL('.', import.meta.url).pathname;
const textOf = (files: readonly ServiceFile[], ending: string) =>
  files.find(({ path }) => path.endsWith(ending))?.text ?? '';

test('the shipped files are those that the function makes, and no others', async (t) => {
  const shipped = shippedServiceFiles();
  for (const { path, text } of shipped) t.is(await readFile(join(here, path), 'utf8'), text, path);
  const there = await readdir(join(here, 'files'), { recursive: true, withFileTypes: true });
  const files = there.flatMap((one) => (one.isFile() ? [join(one.parentPath, one.name).slice(here.length)] : []));
  t.deepEqual(files.sort(), shipped.map(({ path }) => path).sort());
});

/** Files in a folder of their own, as if it were the root of a machine. */
async function written(t: ExecutionContext, files: readonly ServiceFile[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'atalaya-service-'));
  t.teardown(() => rm(root, { recursive: true }));
  for (const { path, text } of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

/** What a program of systemd says, or undefined where this machine has none. */
async function asked(t: ExecutionContext, program: string, ...args: string[]) {
  try {
    const { stdout, stderr } = await call(program, args, {
      env: { ...process.env, SYSTEMD_LOG_COLOR: '0', LC_ALL: 'C' },
    });
    return { code: 0, text: `${stdout}${stderr}` };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number | string; stdout?: string; stderr?: string };
    if (code === 'ENOENT') {
      t.log(`${program} is absent on this machine: nothing was checked`);
      t.pass();
      return undefined;
    }
    return { code, text: `${stdout}${stderr}` };
  }
}

for (const board of boards) {
  test(`on ${board}: systemd-analyze finds an exposure of 2.0 or less, and nothing that it does not know`, async (t) => {
    const root = await written(t, serviceFiles({ ...usualService, board }));
    const folder = join(root, 'etc/systemd/system');
    for (const service of ['atalaya-unit.service', 'atalaya-bridge.service', 'atalaya-trial-guard.service']) {
      const found = await asked(
        t,
        'systemd-analyze',
        'security',
        '--offline=true',
        '--no-pager',
        '--threshold=20',
        join(folder, service),
      );
      if (found === undefined) return;
      const overall = /Overall exposure level for \S+: ([0-9.]+)/.exec(found.text)?.[1];
      t.log(`${service} on ${board}: ${overall}`);
      t.is(found.code, 0, found.text.slice(-300));
      t.true(Number(overall) <= 2);
    }
    const names = [
      'atalaya-unit.service',
      'atalaya-devices.service',
      'atalaya-enrolled.path',
      'atalaya-enrolled.service',
      'atalaya-trial-guard.path',
      'atalaya-trial-guard.service',
      'atalaya-bridge.service',
    ].map((name) => join(folder, name));
    const verified = await asked(t, 'systemd-analyze', 'verify', '--man=no', ...names);
    // The program itself is not installed here; of the units of other programs nothing is said.
    const complaints = (verified?.text ?? '').split('\n').filter((line) => line.includes('atalaya'));
    t.deepEqual(
      complaints.filter((line) => !/Command \S+ is not executable: No such file/.test(line)),
      [],
    );
  });
}

test('the user service of Podman 4.3 is one that systemd takes', async (t) => {
  const root = await written(t, serviceFiles());
  const path = join(root, 'usr/share/atalaya/podman/atalaya-unit.service');
  const verified = await asked(t, 'systemd-analyze', 'verify', '--man=no', path);
  const complaints = (verified?.text ?? '').split('\n').filter((line) => line.includes('atalaya'));
  t.deepEqual(
    complaints.filter((line) => !/Command \S+ is not executable: No such file/.test(line)),
    [],
  );
});

test('without the hardening the same check fails', async (t) => {
  const files = serviceFiles().map(({ path, text }) => ({
    path,
    text: text.replaceAll(/^(Protect|Restrict|SystemCall|Capability|NoNewPrivileges).*$/gm, ''),
  }));
  const root = await written(t, files);
  const unit = join(root, 'etc/systemd/system/atalaya-unit.service');
  const found = await asked(t, 'systemd-analyze', 'security', '--offline=true', '--no-pager', '--threshold=20', unit);
  if (found !== undefined) t.not(found.code, 0);
});

test('accounts and folders are made as systemd reads them', async (t) => {
  const root = await written(t, serviceFiles());
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nvideo:x:44:\n');
  const users = await asked(t, 'systemd-sysusers', `--root=${root}`, 'atalaya.conf');
  if (users === undefined) return;
  if (users.code !== 0 && process.getuid?.() !== 0) {
    t.log('accounts are made by root alone: nothing was checked');
    t.pass();
    return;
  }
  t.is(users.code, 0, users.text);
  const groups = await readFile(join(root, 'etc/group'), 'utf8');
  for (const group of ['video', 'render', 'gpio', 'tss', 'atalaya-watchdog']) {
    t.regex(groups, new RegExp(`^${group}:x:\\d+:atalaya$`, 'm'));
  }
  t.regex(await readFile(join(root, 'etc/passwd'), 'utf8'), /^atalaya-bridge:.*nologin$/m);
  const folders = await asked(t, 'systemd-tmpfiles', '--create', `--root=${root}`, 'atalaya.conf');
  t.is(folders?.code, 0, folders?.text);
  t.true((await readdir(join(root, 'var/lib/atalaya'))).includes('identity'));
  t.is(await readlink(join(root, 'data/program/current')), '/opt/atalaya/image');
  t.is(await readlink(join(root, 'opt/atalaya/current')), '/data/program/current');
});

test('nothing gives the unit up, and the watchdog of the program comes before that of the machine', (t) => {
  const unit = textOf(serviceFiles(), 'atalaya-unit.service');
  t.regex(unit, /^StartLimitIntervalSec=0$/m);
  t.regex(unit, /^Restart=always$/m);
  const number = (name: string) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(unit)?.[1]);
  // A stuck program is told, ended and begun again before a machine's watchdog of 60 s strikes.
  t.true(number('WatchdogSec') + number('TimeoutAbortSec') + number('RestartSec') < 60);
  t.notRegex(unit, /RestartSteps/);
  t.regex(textOf(serviceFiles({ ...usualService, systemd: 254 }), 'atalaya-unit.service'), /^RestartSteps=\d+$/m);
  t.regex(textOf(serviceFiles(), 'system.conf.d/90-atalaya.conf'), /^RuntimeWatchdogSec=off$/m);
});

test('what would be read as something else in a unit file is refused', (t) => {
  for (const settings of [
    { program: '/opt/a b' },
    { slots: 'program' },
    { launcher: '/opt/launcher --root' },
    { shipped: '/opt/%h' },
    { machine: 'qemu-x86' },
    { config: 'unit.yaml' },
    { watchdog: '/dev/w\nExecStart=/bin/sh' },
  ]) {
    const fault = t.throws(() => serviceFiles({ ...usualService, ...settings }));
    t.true(isAtalayaError(fault, 'config-invalid'));
  }
  t.throws(() => serviceFiles({ ...usualService, groups: ['wheel root'] }));
});

test('paths of the program, a compiled bundle and other groups arrive where they are used', (t) => {
  const places = { program: '/srv/a', shipped: '/srv/shipped', slots: '/srv/slots', launcher: '/srv/launcher' };
  const files = serviceFiles({ ...usualService, ...places, entry: 'js', groups: ['i2c'] });
  t.regex(
    textOf(files, 'atalaya-bridge.service'),
    /^ExecStart=\/srv\/a\/node_modules\/\.bin\/node \S+ \/srv\/a\/cloud-bridge\/cli\/atalaya-bridge\.js run /m,
  );
  const launch = '/srv/launcher --root /srv/slots --image /srv/shipped';
  t.true(textOf(files, 'atalaya-unit.service').includes(`\nExecStart=${launch} run -- run --config `));
  t.true(textOf(files, 'atalaya-trial-guard.service').includes(`\nExecCondition=${launch} guard\n`));
  t.regex(
    textOf(serviceFiles({ ...usualService, machine: 'rpi4' }), 'atalaya-unit.service'),
    /^Environment=.* ATALAYA_BOARD=rpi4$/m,
  );
  for (const service of ['atalaya-unit.service', 'atalaya-trial-guard.service']) {
    t.regex(textOf(files, service), /^ReadWritePaths=-\/srv\/slots$/m, service);
  }
  t.regex(textOf(files, 'atalaya-trial-guard.path'), /^PathExists=\/srv\/slots\/trial$/m);
  t.regex(textOf(files, 'sysusers.d/atalaya.conf'), /^m atalaya i2c$/m);
  t.regex(
    textOf(serviceFiles({ ...usualService, board: 'jetson' }), 'atalaya-unit.service'),
    /^BindPaths=-\/tmp\/argus_socket$/m,
  );
});
