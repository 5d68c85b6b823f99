import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { bootLabel, grubBeginning, grubModules, initialName, kernelName } from './boot-files.ts';
import type { DebianArchive } from './debian-archive.ts';
import type { ImageLock } from './lock.ts';
import { bootCodeBytes, sector } from './partitions.ts';
import type { ImagePlan } from './plan.ts';
import type { Workshop } from './root-tar.ts';
import { runProgram } from './run-program.ts';

export interface BootParts {
  /** The boot partition. */
  readonly image: string;
  /** What stands in the first sector, and in those after it; both empty where firmware reads the partition by itself. */
  readonly code: Uint8Array;
  readonly core: Uint8Array;
}

const minute = milliseconds(60_000);

/** Makes the boot partition from the root's archive: kernel, its initial file system, boot loader or firmware. */
export async function bootImage(
  plan: ImagePlan,
  lock: ImageLock,
  root: string,
  archive: DebianArchive,
  shop: Workshop,
): Promise<BootParts> {
  const { work, log, signal } = shop;
  const from = join(work, 'boot-parts');
  rmSync(from, { recursive: true, force: true });
  mkdirSync(from, { recursive: true });
  const wanted =
    plan.board.boot === 'raspberry-pi'
      ? ['./boot', './usr/lib/raspi-firmware', './usr/lib/linux-image-*/broadcom']
      : ['./boot'];
  await runProgram('tar', ['-C', from, '--wildcards', '-xf', root, ...wanted], { deadline: minute, log, signal });
  const boot = join(from, 'boot');
  const contents = new Map<string, Buffer>();
  contents.set(kernelName, readFileSync(join(boot, only(boot, 'vmlinuz-'))));
  contents.set(initialName, readFileSync(join(boot, only(boot, 'initrd.img-'))));
  for (const { path, text } of plan.bootFiles) contents.set(path, Buffer.from(text));
  let first: Pick<BootParts, 'code' | 'core'> = { code: new Uint8Array(), core: new Uint8Array() };
  if (plan.board.boot === 'raspberry-pi') {
    for (const [name, bytes] of firmware(from)) contents.set(name, bytes);
  } else {
    const grub = join(await unpackLoader(lock, archive, shop), 'usr');
    if (plan.board.boot === 'grub-bios') {
      first = {
        code: readFileSync(join(grub, 'lib/grub/i386-pc/boot.img')).subarray(0, bootCodeBytes),
        core: await grubCore(grub, shop),
      };
    } else {
      contents.set('EFI/BOOT/BOOTAA64.EFI', readFileSync(join(grub, 'lib/grub/arm64-efi/monolithic/grubaa64.efi')));
    }
  }
  const image = join(work, 'boot.img');
  await writeFat(image, contents, plan, shop);
  return { image, ...first };
}

/** Firmware of the Raspberry Pi and the descriptions of its boards, as their boot code looks for them. */
function firmware(from: string): readonly (readonly [string, Buffer])[] {
  const home = join(from, 'usr/lib/raspi-firmware');
  const trees = join(from, 'usr/lib', only(join(from, 'usr/lib'), 'linux-image-'), 'broadcom');
  return [
    ...readdirSync(home)
      .filter((name) => /^(start4|fixup4)\.(elf|dat)$/.test(name))
      .map((name) => [name, readFileSync(join(home, name))] as const),
    ...readdirSync(trees)
      .filter((name) => /^bcm2711-.*\.dtb$/.test(name))
      .map((name) => [name, readFileSync(join(trees, name))] as const),
  ];
}

async function unpackLoader(lock: ImageLock, archive: DebianArchive, { work, log, signal }: Workshop): Promise<string> {
  const folder = join(work, 'loader');
  mkdirSync(folder, { recursive: true });
  for (const file of await archive.fetch(lock.loader)) {
    await runProgram('dpkg-deb', ['-x', file, folder], { deadline: minute, log, signal });
  }
  return folder;
}

async function grubCore(grub: string, { work, log, signal }: Workshop): Promise<Buffer> {
  const configuration = join(work, 'grub-beginning.cfg');
  const image = join(work, 'grub.img');
  writeFileSync(configuration, grubBeginning);
  const modules = join(grub, 'lib/grub/i386-pc');
  const args = ['-O', 'i386-pc', '-d', modules, '-p', '/grub', '-c', configuration, '-o', image, ...grubModules];
  await runProgram(join(grub, 'bin/grub-mkimage'), args, { deadline: minute, log, signal });
  const made = readFileSync(image);
  // The table of partitions leaves it the first MiB without the first sector.
  if (made.byteLength > 1024 * 1024 - sector)
    throw new AtalayaError('internal', 'the boot loader is longer than its place');
  return made;
}

async function writeFat(
  image: string,
  contents: ReadonlyMap<string, Buffer>,
  plan: ImagePlan,
  shop: Workshop,
): Promise<void> {
  const { work, log, signal } = shop;
  const stage = join(work, 'boot');
  rmSync(stage, { recursive: true, force: true });
  const least = plan.partitions.find(({ name }) => name === 'boot')?.bytes ?? 0;
  const used = [...contents.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const bytes = Math.max(least, Math.ceil((used * 1.1) / 2 ** 20 + 4) * 2 ** 20);
  const run = {
    deadline: minute,
    log,
    signal,
    environment: { SOURCE_DATE_EPOCH: String(plan.epoch), MTOOLS_SKIP_CHECK: '1' },
  };
  rmSync(image, { force: true });
  writeFileSync(image, '');
  truncateSync(image, bytes);
  const serial = (plan.diskId ^ 0x0b00_7000) >>> 0;
  const geometry = ['-T', String(bytes / sector), '-h', '64', '-s', '32', '-H', '2048'];
  await runProgram(
    'mformat',
    ['-i', image, '-F', '-c', '1', ...geometry, '-N', serial.toString(16).padStart(8, '0'), '-v', bootLabel, '::'],
    run,
  );
  const folders = new Set<string>();
  for (const path of [...contents.keys()].sort()) {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) folders.add(parts.slice(0, depth).join('/'));
  }
  for (const folder of folders) await runProgram('mmd', ['-i', image, `::${folder}`], run);
  for (const [path, content] of [...contents].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const file = join(stage, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    utimesSync(file, plan.epoch, plan.epoch);
    await runProgram('mcopy', ['-i', image, '-m', file, `::${path}`], run);
  }
}

function only(folder: string, beginning: string): string {
  const found = readdirSync(folder).filter((name) => name.startsWith(beginning) && !name.endsWith('.old'));
  const [name] = found;
  if (name !== undefined && found.length === 1) return basename(name);
  throw new AtalayaError('source-missing', `${folder} has ${found.length} of ${beginning}, and one is needed`);
}
