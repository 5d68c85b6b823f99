import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import { type CommandOptions, runCommand } from './commands.ts';
import type { DebianArchive, KernelPackages } from './debian.ts';

const minutes = (value: number): Milliseconds => milliseconds(value * 60_000);

/** Modules that the machine loads, each with all that it needs. */
const modules = [
  'ext4',
  'virtio_blk',
  'virtio_net',
  'virtio_rng',
  'configfs',
  'i6300esb',
  'qemu_fw_cfg',
  'vivid',
  'overlay',
  'loop',
] as const;

/** Loaded by the small initial file system, before the root can be mounted. */
export const earlyModules = ['virtio_blk', 'ext4'] as const;

export interface Kernel {
  readonly release: string;
  readonly image: string;
  /** Files of the modules below `tree`, and of those for the start in the order in which they are loaded. */
  readonly tree: string;
  readonly modules: readonly string[];
  readonly early: readonly string[];
  /** gpio-sim, built for this kernel. */
  readonly gpioSim: string;
}

/** Unpacks Debian's kernel below `folder`, without installing anything, and builds gpio-sim for it. */
export async function makeKernel(
  archive: DebianArchive,
  packages: KernelPackages,
  folder: string,
  log: string,
): Promise<Kernel> {
  const { release } = packages;
  const tree = join(folder, 'unpacked');
  const { image, headers, commonHeaders, kbuild, source } = packages;
  const files = await archive.download([image, headers, commonHeaders, kbuild, source], join(folder, 'packages'));
  const sourceFile = files.at(-1) ?? '';
  mkdirSync(tree, { recursive: true });
  for (const file of files.slice(0, -1))
    await runCommand('dpkg-deb', ['-x', file, tree], { deadline: minutes(5), log });
  const gpioSim = await buildGpioSim({ tree, release, sourceFile, folder, log });
  // Packed modules would be unpacked at each start, which is slow on an emulated processor.
  await runCommand(
    'find',
    [join(tree, 'lib/modules', release), '-name', '*.ko.xz', '-exec', 'xz', '-d', '-q', '{}', '+'],
    {
      deadline: minutes(5),
      log,
    },
  );
  await runCommand('depmod', ['-b', tree, release], { deadline: minutes(2), log });
  const listed = new Set<string>();
  for (const name of modules) for (const file of await neededFor(name, tree, release, log)) listed.add(file);
  const early = new Set<string>();
  for (const name of earlyModules) for (const file of await neededFor(name, tree, release, log)) early.add(file);
  return {
    release,
    image: join(tree, 'boot', `vmlinuz-${release}`),
    tree,
    modules: [...listed],
    early: [...early],
    gpioSim,
  };
}

/** Files of a module and of what it needs, in the order in which they are loaded; none where it is built in. */
async function neededFor(name: string, tree: string, release: string, log: string): Promise<readonly string[]> {
  const said = await runCommand('modprobe', ['-d', tree, '-S', release, '--show-depends', name], {
    deadline: minutes(1),
    log,
  });
  return [...said.matchAll(/^insmod (\S+)/gm)].map(([, file = '']) => file);
}

interface GpioSimBuild {
  readonly tree: string;
  readonly release: string;
  readonly sourceFile: string;
  readonly folder: string;
  readonly log: string;
}

/**
 * gpio-sim is in the kernel's source, but Debian does not build it; neither does it build irq_sim, which gpio-sim stands on. Both are
 * made one module, in which the one call of a function that the kernel does not export is replaced by one that it does.
 */
async function buildGpioSim({ tree, release, sourceFile, folder, log }: GpioSimBuild): Promise<string> {
  const options: CommandOptions = { deadline: minutes(5), log };
  const [major = '', minor = ''] = release.split('.');
  const name = `linux-source-${major}.${minor}`;
  const source = join(folder, 'source');
  mkdirSync(source, { recursive: true });
  const wanted = ['drivers/gpio/gpio-sim.c', 'kernel/irq/irq_sim.c'];
  // tar stops reading when it has both; that the first one then complains of a closed pipe says nothing.
  const unpack = `dpkg-deb --fsys-tarfile '${sourceFile}' | tar -xO ./usr/src/${name}.tar.xz | tar -xJ --occurrence=1 -C '${source}' ${wanted.map((file) => `${name}/${file}`).join(' ')}`;
  await runCommand('bash', ['-c', unpack], options);
  const build = join(folder, 'gpio-sim');
  mkdirSync(build, { recursive: true });
  copyFileSync(join(source, name, 'drivers/gpio/gpio-sim.c'), join(build, 'gsim_main.c'));
  const irq = readFileSync(join(source, name, 'kernel/irq/irq_sim.c'), 'utf8');
  const mended = irq.replace(/handle_simple_irq\(irq_to_desc\((\w+)\)\)/, 'generic_handle_irq($1)');
  if (mended === irq) throw new Error(`irq_sim.c of ${name} does not call what is replaced; look at it`);
  writeFileSync(join(build, 'gsim_irq.c'), mended);
  writeFileSync(join(build, 'Makefile'), 'obj-m += gpio-sim.o\ngpio-sim-y := gsim_main.o gsim_irq.o\n');
  const headers = join(tree, 'usr/src', `linux-headers-${release}`);
  const makefile = join(headers, 'Makefile');
  writeFileSync(makefile, readFileSync(makefile, 'utf8').replace(/^include \/usr\//m, `include ${tree}/usr/`));
  await runCommand('make', ['-C', headers, `M=${build}`, 'CONFIG_DEBUG_INFO_BTF_MODULES=', 'modules'], options);
  const module = join(build, 'gpio-sim.ko');
  if (!existsSync(module)) throw new Error(`gpio-sim was not built (${log})`);
  return module;
}
