import { AtalayaError } from '../../device/kernel/errors.ts';

/** A file to be written: its path from the root of the file system. */
export interface ServiceFile {
  readonly path: string;
  readonly text: string;
}

export const boards = ['raspberry-pi', 'jetson', 'generic'] as const;
export type Board = (typeof boards)[number];

/** What differs from one machine to another. Paths are absolute. */
export interface ServiceSettings {
  readonly board: Board;
  /** What updates call this board besides its processor (`ota/contract/names.ts`), such as `rpi4`; none where it has no name. */
  readonly machine?: string;
  /** The folder of the program that runs: that of `device/` and `node_modules/`. The launcher leads it on from slot to slot. */
  readonly program: string;
  /** The folder of the program that the machine came with: what runs where there is no other. */
  readonly shipped: string;
  /** Where updates put others (`ota/slots`), and what starts the right one (`ota/launcher`). */
  readonly slots: string;
  readonly launcher: string;
  /** What Node runs of the bridge: the sources, or a bundle that was compiled from them. The launcher sees for itself. */
  readonly entry: 'ts' | 'js';
  /** Configuration of the unit, which enrolment puts in place. */
  readonly config: string;
  readonly bridgeConfig: string;
  /** The machine's watchdog. */
  readonly watchdog: string;
  /** Of the machine's systemd: from 254 on the pause between two starts grows. */
  readonly systemd: number;
  /** Groups that may use device nodes of other kinds, besides those of the board. */
  readonly groups: readonly string[];
}

/** What is shipped under `files/`: any board with Debian 12. */
export const usualService: ServiceSettings = {
  board: 'generic',
  program: '/opt/atalaya/current',
  shipped: '/opt/atalaya/image',
  slots: '/data/program',
  launcher: '/opt/atalaya/launcher',
  entry: 'ts',
  config: '/var/lib/atalaya/identity/current/unit.yaml',
  bridgeConfig: '/etc/atalaya/bridge.yaml',
  watchdog: '/dev/watchdog0',
  systemd: 252,
  groups: [],
};

const path = /^\/[A-Za-z0-9._/-]{1,200}$/;

/** Throws `config-invalid` for what would be read as something else in a unit file. */
export function checkSettings(settings: ServiceSettings): void {
  const { program, shipped, slots, launcher, config, bridgeConfig, watchdog, groups } = settings;
  const paths = { program, shipped, slots, launcher, config, bridgeConfig, watchdog };
  for (const [name, value] of Object.entries(paths)) {
    if (path.test(value)) continue;
    throw new AtalayaError(
      'config-invalid',
      `${name} is no absolute path of letters, digits, dots and dashes: ${value}`,
    );
  }
  if (settings.machine !== undefined && !/^[a-z0-9]{1,30}$/.test(settings.machine)) {
    throw new AtalayaError('config-invalid', `${settings.machine} is no name of a board: 1 to 30 letters and digits`);
  }
  const strange = groups.find((group) => !/^[a-z_][a-z0-9_-]{0,30}$/.test(group));
  if (strange !== undefined) throw new AtalayaError('config-invalid', `${strange} is no name of a group`);
}

/** The launcher with the folders that it looks at. */
export const launch = ({ launcher, slots, shipped }: ServiceSettings): string =>
  `${launcher} --root ${slots} --image ${shipped}`;

/** Node's arguments for one of the programs, and its environment below; young generation and arenas as decision 0005 has them. */
export const nodeFlags = '--max-semi-space-size=4';
export const nodeOf = ({ program }: ServiceSettings): string => `${program}/node_modules/.bin/node ${nodeFlags}`;
export const smallMemory = 'MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=1048576';
/** The inference library reports its use to its maker unless it is told not to. A unit speaks with its centre alone. */
export const quietLibraries = 'ORT_DISABLE_TELEMETRY=1';

/** The account of the units. Every device node that it opens is its groups' and not everybody's. */
export const account = 'atalaya';
/** Of the GPIO chips, the TPM and the watchdog: Debian has no groups for them. */
export const lineGroup = 'gpio';
export const tpmGroup = 'tss';
export const watchdogGroup = 'atalaya-watchdog';

export const groupsOf = ({ groups }: ServiceSettings): readonly string[] => [
  ...['video', 'render', lineGroup, tpmGroup, watchdogGroup],
  ...groups,
];

/** Kinds of devices by their names in `/proc/devices`, and single nodes. */
export function devicesOf({ board, watchdog }: ServiceSettings): readonly string[] {
  const cameras = ['char-video4linux rw', 'char-media rw', 'char-drm rw', 'char-dma_heap rw'];
  const own: Readonly<Record<Board, readonly string[]>> = {
    'raspberry-pi': ['/dev/vchiq rw', '/dev/vcio rw'],
    jetson: ['char-nvhost rw', 'char-nvmap rw', 'char-nvidia-nvhost-ctrl rw', '/dev/nvmap rw', '/dev/nvhost-ctrl rw'],
    generic: [],
  };
  return [...cameras, 'char-gpiochip rw', 'char-tpm rw', `${watchdog} rw`, ...own[board]];
}
