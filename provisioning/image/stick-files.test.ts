import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { hardening } from '../service/hardening.ts';
import { bootLabel } from './boot-files.ts';
import { planImage } from './plan.ts';
import { findProgram } from './run-program.ts';
import { stickFolder, stickLabel } from './stick-files.ts';

const { files } = planImage('rpi4');
const textOf = (path: string): string => {
  const found = files.find((file) => file.path === path);
  if (found === undefined) throw new Error(`${path} is not planned`);
  return found.text;
};
const rule = textOf('usr/lib/udev/rules.d/90-atalaya-stick.rules');
const update = textOf('etc/systemd/system/atalaya-stick-update@.service');
const mount = textOf('etc/systemd/system/atalaya-stick@.service');

test('a stick is a file system behind USB with the label, and no partition of an image has it', (t) => {
  t.is(rule.trim().split('\n').length, 1);
  for (const condition of [
    'ACTION!="remove"',
    'SUBSYSTEMS=="usb"',
    `ENV{ID_FS_LABEL}=="${stickLabel}"`,
    'ENV{ID_FS_TYPE}=="vfat|exfat|ext4"',
    'TEST!="%k1"',
    'TAG+="systemd"',
    'ENV{SYSTEMD_WANTS}+="atalaya-stick-update@%k.service"',
  ])
    t.true(rule.split(', ').includes(condition) || rule.trim().endsWith(condition), condition);
  const boot: string = bootLabel;
  t.not(boot, stickLabel);
  for (const label of [boot, stickLabel]) t.regex(label, /^[A-Z]{1,11}$/, 'as FAT takes it');
});

test('what root mounts has no mounts of its own, so the unit sees it; what acts on it is the account of the unit', (t) => {
  for (const setting of ['Private', 'Protect', 'ReadWritePaths', 'ReadOnlyPaths', 'BindPaths', 'TemporaryFileSystem'])
    t.false(new RegExp(`^${setting}`, 'm').test(mount), setting);
  t.false(/MountFlags|PrivateMounts=no/.test(textOf('etc/systemd/system/atalaya-unit.service')));
  t.regex(update, /^User=atalaya$/m);
  t.false(/^Exec\w+=[-+!@:]/m.test(update), 'nothing of it is done by root');
  t.deepEqual(
    hardening.filter((one) => !update.includes(`\n${one}\n`)),
    ['RemoveIPC=yes'],
  );
  for (const one of [mount, update]) t.regex(one, /^BindsTo=dev-%i\.device$/m);
  t.regex(update, /^After=.* atalaya-stick@%i\.service$/m);
  t.regex(textOf('usr/lib/tmpfiles.d/atalaya-stick.conf'), new RegExp(`^d ${stickFolder} 0755 root root$`, 'm'));
});

function scratch(t: ExecutionContext): string {
  const work = mkdtempSync(join(tmpdir(), 'atalaya-stick-'));
  t.teardown(() => rmSync(work, { recursive: true }));
  return work;
}

const put = (path: string, text: string, mode = 0o644): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
};

test('systemd takes both services as they are', (t) => {
  if (findProgram('systemd-analyze') === undefined) {
    t.log('passed over: systemd-analyze is not there (apt-get install systemd)');
    t.pass();
    return;
  }
  const root = scratch(t);
  for (const { path, text } of files) if (path.startsWith('etc/systemd/system/')) put(join(root, path), text);
  const units = ['atalaya-stick@sda1.service', 'atalaya-stick-update@sda1.service'];
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], {
    env: { ...process.env, SYSTEMD_UNIT_PATH: `${join(root, 'etc/systemd/system')}:` },
  });
  const complaints = stderr.toString().split('\n');
  // The programs of the image are not installed here; of the units of other programs nothing is said.
  const absent = /Command \S+ is not executable: No such file/;
  t.deepEqual(
    complaints.filter((line) => line.includes('stick') && !absent.test(line)),
    [],
  );
  for (const unit of units)
    t.true(
      complaints.some((line) => line.startsWith(unit) && absent.test(line)),
      `${unit} was read`,
    );
});

test('udev takes the rule as it is', (t) => {
  const version = Number(/\d+/.exec(spawnSync('udevadm', ['--version']).stdout?.toString() ?? '')?.[0] ?? 0);
  if (version < 254) {
    t.log('passed over: udevadm verify came with systemd 254');
    t.pass();
    return;
  }
  const file = join(scratch(t), '90-atalaya-stick.rules');
  put(file, rule);
  const { status, stdout, stderr } = spawnSync('udevadm', ['verify', '--no-style', file]);
  t.is(status, 0, `${stdout}${stderr}`);
});

/** The paths of a machine below a folder, with programs that note how they were called. */
function layMachine(t: ExecutionContext) {
  const root = scratch(t);
  const at = (path: string): string => join(root, path);
  const below = /(?<=[ "=(])\/(run|var|proc)\//gm;
  for (const name of ['mount-stick', 'take-stick'])
    put(at(name), textOf(`usr/lib/atalaya/${name}`).replaceAll(below, `${root}/$1/`), 0o755);
  const program = (name: string, text: string): void => put(at(`bin/${name}`), `#!/bin/sh\n${text}\n`, 0o755);
  const mounted = (...lines: readonly string[]): void =>
    put(at('proc/mounts'), lines.map((line) => `${line}\n`).join(''));
  const enrol = (unit: string): void => {
    put(at('var/lib/atalaya/identity/current/unit.yaml'), `unit:\n  id: ${unit}\n`);
    const state = { enrolled: { unit, version: 1 }, given: { trust: '{"unit":"south-9"}' } };
    put(at('var/lib/atalaya/identity/current/state.json'), `${JSON.stringify(state)}\n`);
  };
  mounted();
  mkdirSync(at('run/atalaya-screen'), { recursive: true });
  program('sleep', `echo "$1" >> ${at('slept')}\n[ "$(wc -l < ${at('slept')})" -lt 500 ] || kill -9 $PPID`);
  program('udevadm', 'echo vfat');
  for (const name of ['mount', 'umount']) program(name, `echo ${name} "$@"`);
  program('systemctl', 'exit 0');
  program('atalaya-ota', `echo "$@" >> ${at('asked')}\n[ "$1" = status ] || echo 'job job-7' >&2`);
  const callAs = (who: { readonly uid?: number }, name: string, ...words: readonly string[]) => {
    const env = { PATH: `${at('bin')}:/usr/bin:/bin` };
    const { status, stdout, stderr } = spawnSync(at(name), words, { ...who, env, timeout: 30_000 });
    return { status, said: stdout.toString().replaceAll(root, ''), complained: stderr.toString().replaceAll(root, '') };
  };
  const call = (name: string, ...words: readonly string[]) => callAs({}, name, ...words);
  const text = (path: string): string =>
    existsSync(at(path)) ? readFileSync(at(path), 'utf8').replaceAll(root, '') : '';
  const screen = (): string => text('run/atalaya-screen/stick-sda1');
  const stick = (folder: string): void => {
    for (const name of ['image', 'director']) mkdirSync(at(`${stickFolder}/${folder}/${name}`), { recursive: true });
  };
  const mountedStick = `/dev/sda1 ${at(stickFolder)} vfat ro 0 0`;
  return { at, program, mounted, mountedStick, enrol, call, callAs, text, screen, stick };
}

test('a stick is mounted so that nothing on it can be run, and let go when it is gone, though somebody reads it', (t) => {
  const { call, mounted, mountedStick, text } = layMachine(t);
  t.is(
    call('mount-stick', 'in', '/dev/sda1').said,
    `mount -t vfat -o ro,nosuid,nodev,noexec,errors=remount-ro /dev/sda1 ${stickFolder}\n`,
  );
  t.is(call('mount-stick', 'out', '/dev/sda1').said, '');
  mounted(mountedStick);
  t.is(call('mount-stick', 'out', '/dev/sda1').said, `umount --lazy ${stickFolder}\n`);
  t.is(call('mount-stick', 'out', '/dev/sdb1').said, '', 'another stick stays');
  const second = call('mount-stick', 'in', '/dev/sdb1');
  t.deepEqual([second.status, second.said], [1, '']);
  t.is(text('slept'), '1\n'.repeat(10));
});

test("the folder of this unit comes before the stick's own, and a stick of others is said to be one", (t) => {
  const { call, mounted, mountedStick, enrol, stick, screen, text } = layMachine(t);
  mounted(mountedStick);
  enrol('north-1');
  stick('south-9');
  const none = call('take-stick', 'in', '/dev/sda1');
  t.is(none.status, 0);
  t.regex(none.said, /^it holds no update for north-1: /);
  t.is(screen(), `Stick: ${none.said}`);
  t.is(text('asked'), '');
  stick('.');
  call('take-stick', 'in', '/dev/sda1');
  stick('north-1');
  call('take-stick', 'in', '/dev/sda1');
  t.deepEqual(
    text('asked')
      .split('\n')
      .filter((line) => line.startsWith('install')),
    [stickFolder, `${stickFolder}/north-1`].map(
      (folder) => `install --from ${folder} --config /var/lib/atalaya/identity/current/unit.yaml`,
    ),
  );
});

test('a stick that cannot be read, and a unit that is not enrolled, are said; then the stick is taken as soon as it is', (t) => {
  const { at, call, mounted, mountedStick, enrol, stick, screen, text, program } = layMachine(t);
  stick('.');
  t.regex(call('take-stick', 'in', '/dev/sda1').said, /^it cannot be read\. /);
  mounted('/dev/sdb1 / ext4 ro 0 0', mountedStick);
  enrol('north-1');
  const [config, later] = ['var/lib/atalaya/identity/current/unit.yaml', 'later'].map(at);
  program('sleep', `echo "$1" >> ${at('slept')}\n[ -e ${config} ] || mv ${later} ${config}`);
  program('mv', `[ "$1" != -f ] || cat "$2" >> ${at('shown')}\nexec /bin/mv "$@"`);
  program('systemctl', `[ "$(wc -l < ${at('slept')})" -gt 3 ]`);
  spawnSync('mv', [config ?? '', later ?? '']);
  const { said } = call('take-stick', 'in', '/dev/sda1');
  t.deepEqual(said.split('\n').slice(0, 4), [
    'this unit is not enrolled, so it believes no update. Enrol it; the stick may stay in.',
    'it is looked at as soon as the unit runs.',
    `the update in ${stickFolder} is looked at.`,
    'job job-7',
  ]);
  t.regex(text('shown'), /^Stick: this unit is not enrolled, [^\n]*\nStick: it is looked at /);
  t.regex(screen(), /^Stick: job job-7\n/);
});

test('a unit that never comes to run is installed beside, after a quarter of an hour', (t) => {
  const { call, mounted, mountedStick, enrol, stick, program, text } = layMachine(t);
  mounted(mountedStick);
  enrol('north-1');
  stick('.');
  program('systemctl', 'exit 3');
  call('take-stick', 'in', '/dev/sda1');
  t.is(text('slept'), '5\n'.repeat(180));
  t.regex(text('asked'), /^install /);
});

test('a folder that only its maker may read, as ext4 keeps it, is said to be one', (t) => {
  const { at, callAs, mounted, mountedStick, enrol, stick } = layMachine(t);
  mounted(mountedStick);
  enrol('north-1');
  stick('north-1');
  const folder = at(`${stickFolder}/north-1`);
  chmodSync(at('.'), 0o755);
  chmodSync(at('run/atalaya-screen'), 0o777);
  chmodSync(folder, 0o600);
  const { said } = callAs(process.getuid?.() === 0 ? { uid: 65_534 } : {}, 'take-stick', 'in', '/dev/sda1');
  chmodSync(folder, 0o755);
  t.is(said, `the unit may not read ${stickFolder}/north-1. Where the stick was written: chmod -R a+rX\n`);
});

test('a unit that has other work at its start is asked again, half an hour long', (t) => {
  const { at, call, mounted, mountedStick, enrol, stick, program, screen, text } = layMachine(t);
  mounted(mountedStick);
  enrol('north-1');
  stick('.');
  const busy = (times: number): void =>
    program(
      'atalaya-ota',
      `[ "$1" = install ] || exit 0
echo "$@" >> ${at('asked')}
if [ "$(wc -l < ${at('asked')})" -le ${times} ]; then echo 'deadline-exceeded: the unit did not answer'; exit 1; fi
echo 'job job-7'`,
    );
  busy(2);
  t.regex(
    call('take-stick', 'in', '/dev/sda1').said,
    /asked again\.\ndeadline-[^\n]*\n[^\n]*asked again\.\njob job-7\n/,
  );
  t.is(text('asked').split('\n').length, 4);
  t.regex(screen(), /^Stick: job job-7\n/);
  busy(100);
  rmSync(at('asked'));
  call('take-stick', 'in', '/dev/sda1');
  t.is(text('asked').split('\n').length, 16);
  t.regex(screen(), /^Stick: deadline-exceeded: the unit did not answer\n/);
});

test('the screen keeps what was refused, one bar, and where the update stands until its trial is over', (t) => {
  const { at, call, mounted, mountedStick, enrol, stick, program, screen, text } = layMachine(t);
  mounted(mountedStick);
  enrol('north-1');
  stick('.');
  program(
    'atalaya-ota',
    `if [ "$1" = install ]; then
  printf 'job job-7\\n[#---] 10 %%\\n[####] 99 %%\\n'
  printf 'odd \\033[2J \\302\\2332J n\\303\\241me\\n' >&2
  exit 1
fi
echo "Program   1.0.0 (release $(wc -l < ${at('slept')}))"
case "$(wc -l < ${at('slept')})" in
  0) echo 'Update    job-7: switching' ;;
  1) echo 'Trial     well for 0:10 of 1:00' ;;
  *) echo 'Last      job-7 succeeded' ;;
esac`,
  );
  put(at('slept'), '');
  const { status, said } = call('take-stick', 'in', '/dev/sda1');
  t.is(status, 0);
  t.is(text('slept'), '30\n30\n');
  t.is(screen(), 'Stick: job job-7\nodd [2J ?2J n\u00e1me\nProgram   1.0.0 (release 2)\nLast      job-7 succeeded\n');
  t.true(said.endsWith('Last      job-7 succeeded\n'));
  t.deepEqual(readdirSync(at('run/atalaya-screen')), ['stick-sda1']);
  call('take-stick', 'out', '/dev/sda1');
  t.deepEqual(readdirSync(at('run/atalaya-screen')), []);
});

test('a trial of two days is shown to its end', (t) => {
  const { at, call, mounted, mountedStick, enrol, stick, program, screen, text } = layMachine(t);
  mounted(mountedStick);
  enrol('north-1');
  stick('.');
  program(
    'atalaya-ota',
    `[ "$1" = status ] || exit 0
if [ "$(wc -l < ${at('slept')})" -lt 483 ]; then echo 'Trial     well for 0:10 of 24:00:00'; else echo 'Last      job-7 succeeded'; fi`,
  );
  put(at('slept'), '');
  call('take-stick', 'in', '/dev/sda1');
  t.regex(screen(), /\nLast {6}job-7 succeeded\n$/);
  t.is(text('slept'), '30\n'.repeat(480) + '600\n'.repeat(3));
});
