import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { milliseconds } from '../../device/kernel/units.ts';
import type { DebianArchive } from './debian-archive.ts';
import { formatLock, type ImageLock } from './lock.ts';
import { type ImagePlan, shippedProgram } from './plan.ts';
import { runProgram } from './run-program.ts';

/** Where an image is made, and what may end it. */
export interface Workshop {
  /** Kept between calls. */
  readonly cache: string;
  /** Of one call. */
  readonly work: string;
  readonly log: string;
  readonly signal: AbortSignal;
}

const minutes = (value: number) => milliseconds(value * 60_000);

/** Equal input, equal archive: sorted, one date, root's. */
export const tarArguments = (epoch: number): readonly string[] => [
  ...['--sort=name', `--mtime=@${epoch}`, '--owner=0', '--group=0', '--numeric-owner', '--format=pax'],
  '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime',
];

/** The root file system without the program, as an archive: made once for each lock and plan. */
export async function debianRoot(
  plan: ImagePlan,
  lock: ImageLock,
  archive: DebianArchive,
  shop: Workshop,
): Promise<string> {
  const { cache, work, log, signal } = shop;
  const key = createHash('sha256')
    .update(formatLock(lock))
    .update(JSON.stringify(plan))
    .update(commands(plan).join('\n'));
  const file = join(cache, `root-${plan.board.board}-${key.digest('hex').slice(0, 16)}.tar`);
  if (existsSync(file)) return file;
  const shelf = join(work, 'shelf');
  await archive.shelve(lock.installed, await archive.fetch(lock.installed), shelf);
  const own = join(work, 'own');
  writeOwn(plan, own);
  await runProgram('tar', ['-C', own, ...tarArguments(plan.epoch), '-cf', `${own}.tar`, '.'], {
    deadline: minutes(1),
    log,
    signal,
  });
  const { architecture } = plan.board;
  await runProgram(
    'mmdebstrap',
    [
      ...['--quiet', '--variant=essential', `--architectures=${architecture}`, '--format=tar'],
      `--include=${plan.packages.join(',')}`,
      ...plan.excluded.map((path) => `--dpkgopt=path-exclude=${path}`),
      ...['--dpkgopt=path-include=/usr/share/doc/*/copyright', '--aptopt=APT::Sandbox::User "root"'],
      '--aptopt=APT::Install-Recommends "false"',
      `--essential-hook=tar-in '${own}.tar' /`,
      ...commands(plan).map((command) => `--customize-hook=${command}`),
      ...['bookworm', `${file}.part`, `deb [trusted=yes] copy://${shelf} bookworm main`],
    ],
    { deadline: minutes(30), log, signal, environment: { SOURCE_DATE_EPOCH: String(plan.epoch) } },
  );
  for (const name of readdirSync(cache)) {
    if (name.startsWith(`root-${plan.board.board}-`) && name !== `${basename(file)}.part`) rmSync(join(cache, name));
  }
  renameSync(`${file}.part`, file);
  return file;
}

/** What is done in the finished root. `$1` is its folder. */
const commands = ({ links }: ImagePlan): readonly string[] => [
  'chroot "$1" systemd-sysusers',
  // Packages write their links where ours are masks.
  ...links.map(({ path, target }) => `mkdir -p "$1/$(dirname ${path})" && ln -sfn ${target} "$1/${path}"`),
  'ln -sfn /run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"',
  // What is made anew on each machine or says on which one this was made.
  'rm -rf "$1"/var/lib/systemd/* "$1"/var/lib/dbus/machine-id "$1"/etc/hostname "$1"/var/cache/* "$1"/var/log/*',
  'rm -rf "$1"/var/lib/apt "$1"/var/lib/dpkg/*-old "$1"/etc/*- "$1"/var/backups "$1"/root/.[!.]*',
  'mkdir -p "$1/var/log/journal" "$1/var/lib/chrony" "$1/var/lib/systemd"',
  ': > "$1/etc/machine-id"',
  // chrony wants the file; with keys in it every unit would have the same ones.
  '[ ! -d "$1/etc/chrony" ] || : > "$1/etc/chrony/chrony.keys"',
];

/** Our own files as a folder. */
function writeOwn({ files, links, folders }: ImagePlan, own: string): void {
  rmSync(own, { recursive: true, force: true });
  for (const folder of [...folders, shippedProgram]) mkdirSync(join(own, folder), { recursive: true, mode: 0o755 });
  for (const { path, text, mode } of files) {
    mkdirSync(dirname(join(own, path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(own, path), text);
    chmodSync(join(own, path), mode ?? 0o644);
  }
  for (const { path, target } of links) {
    mkdirSync(dirname(join(own, path)), { recursive: true, mode: 0o755 });
    symlinkSync(target, join(own, path));
  }
}
