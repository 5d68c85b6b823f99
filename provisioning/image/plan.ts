import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path/posix';
import { type ServiceFile, serviceFiles, usualService } from '../service/service-files.ts';
import { type BoardImage, boardImage, type ImageBoard } from './boards.ts';
import { bootFiles } from './boot-files.ts';
import { type PartitionSize, partitionId } from './partitions.ts';
import { startFiles } from './start-files.ts';
import { stickFiles } from './stick-files.ts';
import { commandLinks, enabledUnits, systemFiles, wantedUnits } from './system-files.ts';

/** A file of the root file system; a path without a leading slash. */
export interface PlannedFile extends ServiceFile {
  /** 0o644 unless said otherwise. */
  readonly mode?: number;
}

export interface PlannedLink {
  readonly path: string;
  readonly target: string;
}

/** Everything that an image is made of, decided before anything is done. */
export interface ImagePlan {
  readonly board: BoardImage;
  /** Date of every file and seed of every identity: seconds since 1970. */
  readonly epoch: number;
  readonly diskId: number;
  /** Root and boot grow with their content; their bytes here are the least. */
  readonly partitions: readonly PartitionSize[];
  /** Debian packages that are installed, besides the essential ones. */
  readonly packages: readonly string[];
  /** Paths of packages that are left out, as dpkg's `path-exclude` takes them. */
  readonly excluded: readonly string[];
  readonly kernelArguments: string;
  /** Of the root, written before packages are configured. */
  readonly files: readonly PlannedFile[];
  readonly links: readonly PlannedLink[];
  /** Empty folders of the root: where something is mounted. */
  readonly folders: readonly string[];
  /** Of the boot partition, besides kernel, initial file system and firmware. */
  readonly bootFiles: readonly PlannedFile[];
}

/** Where the program of the image lies; `/opt/atalaya/current` leads to it until an update has put another one on the data partition. */
export const shippedProgram = usualService.shipped.slice(1);

/**
 * What lies where the program does, by names below `folder`. The demonstration is no part of the program: an update has none, and the unit that
 * plays it takes updates all the same.
 */
export const programHome = {
  folder: dirname(shippedProgram),
  program: basename(shippedProgram),
  demonstration: 'demo',
};

const mebibyte = 1024 * 1024;
/** 2026-01-01. Fixed, so that the same packages and the same program give the same bytes. */
const epoch = 1_767_225_600;
const diskId = 0xa7a1a7a1;

/** What every unit has: start-up, clock, network, cameras through ffmpeg, the TPM's tools. */
const packages = [
  ...['systemd-sysv', 'udev', 'dbus', 'polkitd', 'kmod', 'busybox', 'initramfs-tools', 'zstd'],
  ...['fdisk', 'e2fsprogs', 'iproute2', 'systemd-resolved', 'chrony', 'ca-certificates', 'netbase', 'tzdata'],
  ...['libstdc++6', 'libatomic1', 'ffmpeg', 'v4l-utils', 'tpm2-tools', 'libtss2-tcti-device0'],
];

/** Pages for people, and drivers of what no unit has. */
const excluded = [
  ...['doc', 'man', 'locale', 'info', 'lintian', 'bug', 'icons', 'fonts'].map((name) => `/usr/share/${name}/*`),
  ...[
    'arch/x86/kvm',
    'sound',
    'drivers/infiniband',
    'drivers/isdn',
    'drivers/gpu/drm/amd',
    'drivers/gpu/drm/nouveau',
  ].map((name) => `/lib/modules/*/kernel/${name}/*`),
  ...['drivers/gpu/drm/i915', 'drivers/gpu/drm/radeon', 'drivers/staging', 'drivers/scsi/qla2xxx', 'fs/ocfs2'].map(
    (name) => `/lib/modules/*/kernel/${name}/*`,
  ),
];

/** The launcher comes with the image, and with a new one: no update writes to it. */
const launcherScript = (): string =>
  readFileSync(new URL('../../ota/launcher/atalaya-launcher', import.meta.url), 'utf8');

/** Plans the image of a board. Throws `usage-invalid` where there can be none. */
export function planImage(name: ImageBoard): ImagePlan {
  const board = boardImage(name);
  const root = partitionId(diskId, 2);
  const data = partitionId(diskId, 3);
  const kernelArguments = [
    `root=PARTUUID=${root} rootfstype=squashfs ro rootwait`,
    ...board.consoles.map((name) => `console=${name}`),
    'quiet loglevel=4 panic=10 systemd.show_status=no net.ifnames=0',
  ].join(' ');
  const machine = name.replaceAll('-', '');
  const settings = { ...usualService, board: board.service, machine, entry: 'js' } as const;
  const services = serviceFiles(settings).filter(
    ({ path }) => !path.includes('bridge') && !path.includes('podman') && !path.includes('containers'),
  );
  const files = [
    ...services,
    ...startFiles({ data, modules: board.modules }),
    ...systemFiles({ data }),
    ...stickFiles({ machine }),
    { path: settings.launcher.slice(1), text: launcherScript(), mode: 0o755 },
  ];
  return {
    board,
    epoch,
    diskId,
    partitions: [
      { name: 'boot', type: board.boot === 'grub-efi' ? 0xef : 0x0c, bytes: 64 * mebibyte, bootable: true },
      { name: 'root', type: 0x83, bytes: mebibyte },
      { name: 'data', type: 0x83, bytes: 64 * mebibyte },
    ],
    packages: [...packages, ...board.packages],
    excluded,
    kernelArguments,
    files,
    links: [...wantedUnits(files), ...enabledUnits(board.terminals), ...commandLinks()],
    folders: ['data', 'var/lib/atalaya', 'var/log/journal', 'var/lib/chrony', 'var/lib/systemd'],
    bootFiles: bootFiles(board.boot, kernelArguments),
  };
}
