import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { FolderLock } from '../../device/kernel/folder-lock.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { describeBytes } from '../flash/judge-disk.ts';
import type { ImageBoard } from './boards.ts';
import { type BootParts, bootImage } from './boot-image.ts';
import { DebianArchive, sha256Of } from './debian-archive.ts';
import { writeDemonstration } from './demo-clip.ts';
import { formatLock, type ImageLock, parseLock } from './lock.ts';
import { diskBytes, masterBootRecord, type PartitionSize, placePartitions, sector } from './partitions.ts';
import { type ImagePlan, planImage, programHome } from './plan.ts';
import { debianRoot, tarArguments, type Workshop } from './root-tar.ts';
import { checkPrograms, runProgram } from './run-program.ts';
import { scanSecrets } from './scan-secrets.ts';

/** The program of an image, as updates name it. */
export interface LaidProgram {
  readonly version: string;
  readonly release: number;
  /** Of the archive that its folder would be: what a patch states that it leads from. */
  readonly tree: { readonly sha256: string; readonly length: number };
}

/** Lays a unit's program in a folder that is missing. */
export type LayProgram = (
  folder: string,
  place: {
    readonly cpu: ImagePlan['board']['cpu'];
    /** Packages, kept between calls. */
    readonly cache: string;
    readonly log: string;
    readonly signal: AbortSignal;
  },
) => Promise<LaidProgram>;

export interface ImageRequest {
  readonly board: ImageBoard;
  readonly out: string;
  /** The program: the folder of `package-lock.json`. */
  readonly source: string;
  /** Lays what `source` gives a unit. */
  readonly layProgram: LayProgram;
  /** Packages and finished parts, kept between calls. */
  readonly cache: string;
  /** File of the lock. */
  readonly lock: string;
  readonly mirror: string;
  readonly updateLock: boolean;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface BuiltImage {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly program: LaidProgram;
}

const minutes = (value: number) => milliseconds(value * 60_000);

/**
 * Makes an image: FILE, and beside it FILE.sha256. The same lock and the same program give the same bytes. What was there before is
 * replaced when all is done, and stays when something fails.
 */
export async function buildImage(request: ImageRequest): Promise<BuiltImage> {
  const plan = planImage(request.board);
  checkPrograms(plan.board.cpu);
  const { cache, signal, say, out, source } = request;
  mkdirSync(cache, { recursive: true });
  mkdirSync(dirname(out), { recursive: true });
  checkRoom([cache, dirname(out)]);
  // A second build would write into the same parts.
  const held = await FolderLock.take(cache);
  const work = mkdtempSync(join(cache, 'work-'));
  const log = join(cache, `${request.board}.log`);
  writeFileSync(log, '');
  const shop: Workshop = { cache, work, log, signal };
  try {
    const archive = new DebianArchive({
      mirror: request.mirror,
      architecture: plan.board.architecture,
      cache,
      log,
      signal,
    });
    const lock = await lockOf(request, plan, archive);
    say(`packages of Debian: ${lock.installed.length}`);
    const base = await debianRoot(plan, lock, archive, shop);
    say('root file system');
    const boot = await bootImage(plan, lock, base, archive, shop);
    say('boot partition');
    const home = join(work, 'home');
    const place = { cpu: plan.board.cpu, cache, log, signal };
    const program = await request.layProgram(join(home, programHome.program), place);
    await writeDemonstration(source, join(home, programHome.demonstration));
    const root = await squashRoot(plan, base, home, shop);
    say(`program ${program.version}, release ${program.release}`);
    await checkSecrets(root, shop);
    say('no secrets');
    const data = await dataPartition(plan, shop);
    await assemble(plan, boot, { root, data }, `${out}.part`);
    const sha256 = await sha256Of(`${out}.part`);
    rmSync(`${out}.sha256`, { force: true });
    renameSync(`${out}.part`, out);
    writeFileSync(`${out}.sha256`, `${sha256}  ${basename(out)}\n`);
    return { file: out, size: statSync(out).size, sha256, program };
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(`${out}.part`, { force: true });
    await held.release();
  }
}

/** Bytes that a build from nothing took at its fullest, with some to spare: packages, root as an archive and unpacked, image. */
const roomNeeded = 6e9;

/** Throws `store-full` rather than let a program of the machine run out of room somewhere. */
function checkRoom(folders: readonly string[]): void {
  for (const folder of folders) {
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    if (free >= roomNeeded) continue;
    throw new AtalayaError(
      'store-full',
      `${folder} has ${describeBytes(free)} free, and an image takes ${describeBytes(roomNeeded)} while it is made`,
      {
        hint: 'Make room, or name folders on another disk with --cache and --out. Nothing was written.',
      },
    );
  }
}

async function lockOf(
  { lock, updateLock, say }: ImageRequest,
  plan: ImagePlan,
  archive: DebianArchive,
): Promise<ImageLock> {
  if (updateLock) {
    const resolved = await archive.resolve(plan.packages, plan.board.loader);
    mkdirSync(dirname(lock), { recursive: true });
    writeFileSync(lock, formatLock(resolved));
    say(`lock written: ${lock}`);
    return resolved;
  }
  if (!existsSync(lock)) {
    throw new AtalayaError('source-missing', `${lock} is missing: nothing says which packages the image has`, {
      hint: 'Take the packages of today with --update-lock, and keep the file.',
    });
  }
  const read = parseLock(readFileSync(lock, 'utf8'), lock);
  const missing = plan.packages.filter((name) => !read.installed.some((one) => one.name === name));
  if (missing.length === 0) return read;
  throw new AtalayaError('document-refused', `${lock} is of another plan: it lacks ${missing.join(', ')}`, {
    hint: 'Take the packages of today with --update-lock.',
  });
}

/** The root file system with the program, and what lies beside it, in it. */
async function squashRoot(
  { epoch }: ImagePlan,
  base: string,
  home: string,
  { work, log, signal }: Workshop,
): Promise<string> {
  const name = `--transform=flags=r;s,^\\.,./${programHome.folder},`;
  const mode = '--mode=u+rwX,go+rX,go-w';
  await runProgram('tar', ['-C', home, ...tarArguments(epoch), mode, name, '-cf', `${home}.tar`, '.'], {
    deadline: minutes(3),
    log,
    signal,
  });
  rmSync(home, { recursive: true });
  const whole = join(work, 'root.tar');
  copyFileSync(base, whole);
  await runProgram('tar', ['--concatenate', '--file', whole, `${home}.tar`], { deadline: minutes(5), log, signal });
  rmSync(`${home}.tar`);
  const root = join(work, 'root.squashfs');
  const squash = ['-tar', '-quiet', '-no-progress', '-comp', 'zstd', '-Xcompression-level', '9', '-processors', '2'];
  const dates = [
    '-mkfs-time',
    String(epoch),
    '-all-time',
    String(epoch),
    '-root-mode',
    '0755',
    '-root-uid',
    '0',
    '-root-gid',
    '0',
  ];
  // Kernel and initial file system lie in the boot partition; where the packages came from is nobody's business.
  const without = ['-wildcards', '-e', 'boot/*', 'etc/apt/*', 'var/lib/apt/*'];
  await runProgram(
    'sh',
    ['-c', 'file=$1; shift; exec mksquashfs - "$@" < "$file"', 'sh', whole, root, ...squash, ...dates, ...without],
    {
      deadline: minutes(20),
      log,
      signal,
    },
  );
  rmSync(whole);
  return root;
}

async function checkSecrets(root: string, { work, log, signal }: Workshop): Promise<void> {
  const folder = join(work, 'scan');
  await runProgram('unsquashfs', ['-quiet', '-no-progress', '-no-xattrs', '-ignore-errors', '-d', folder, root], {
    deadline: minutes(5),
    log,
    signal,
  });
  const found = scanSecrets(folder);
  rmSync(folder, { recursive: true, force: true });
  if (found.length === 0) return;
  const lines = found.slice(0, 10).map(({ path, why }) => `/${path} (${why})`);
  throw new AtalayaError('act-refused', `the image would hold secrets: ${lines.join(', ')}`, {
    hint: 'Nothing was written. Take them out of the program or its packages.',
  });
}

/** An empty file system that can grow to 512 GiB while it is mounted. Features are named: they do not hang on this machine's settings. */
async function dataPartition({ epoch, partitions }: ImagePlan, { work, log, signal }: Workshop): Promise<string> {
  const image = join(work, 'data.ext4');
  const settings = join(work, 'mke2fs.conf');
  writeFileSync(
    settings,
    '[defaults]\n base_features = sparse_super,filetype,resize_inode,dir_index,ext_attr\n[fs_types]\n ext4 = {\n  inode_size = 256\n }\n small = {\n  inode_size = 256\n }\n',
  );
  const bytes = partitions.find(({ name }) => name === 'data')?.bytes ?? 0;
  const id = 'a7a1a7a1-da7a-4000-8000-000000000003';
  const features = 'has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize,large_file';
  const more = `hash_seed=${id},resize=134217728,root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0`;
  const sizes = ['-b', '4096', '-I', '256', '-i', '65536', '-m', '1', '-J', 'size=16'];
  await runProgram(
    'mke2fs',
    [
      '-q',
      '-t',
      'ext4',
      '-O',
      features,
      '-E',
      more,
      '-U',
      id,
      '-L',
      'atalaya-data',
      ...sizes,
      image,
      `${bytes / 1024}k`,
    ],
    {
      deadline: minutes(1),
      log,
      signal,
      environment: { MKE2FS_CONFIG: settings, E2FSPROGS_FAKE_TIME: String(epoch), SOURCE_DATE_EPOCH: String(epoch) },
    },
  );
  return image;
}

interface Parts {
  readonly root: string;
  readonly data: string;
}

/** Puts the partitions at their places; what is zero takes no room on this machine. */
async function assemble(plan: ImagePlan, boot: BootParts, { root, data }: Parts, out: string): Promise<void> {
  const files: Readonly<Record<PartitionSize['name'], string>> = { boot: boot.image, root, data };
  const placed = placePartitions(
    plan.partitions.map((one) => ({ ...one, bytes: Math.max(one.bytes, statSync(files[one.name]).size) })),
  );
  writeFileSync(out, '');
  truncateSync(out, diskBytes(placed));
  const disk = await open(out, 'r+');
  try {
    await disk.write(masterBootRecord(boot.code, plan.diskId, placed), 0, sector, 0);
    if (boot.core.byteLength > 0) await disk.write(boot.core, 0, boot.core.byteLength, sector);
    const block = Buffer.alloc(1 << 20);
    for (const { name, offset } of placed) {
      const part = await open(files[name], 'r');
      try {
        for (let at = 0; ; ) {
          const { bytesRead } = await part.read(block, 0, block.byteLength, at);
          if (bytesRead === 0) break;
          const read = block.subarray(0, bytesRead);
          if (read.some((byte) => byte !== 0)) await disk.write(read, 0, bytesRead, offset + at);
          at += bytesRead;
        }
      } finally {
        await part.close();
      }
    }
    await disk.sync();
  } finally {
    await disk.close();
  }
}
