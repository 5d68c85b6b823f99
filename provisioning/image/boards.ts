import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Board } from '../service/service-files.ts';

export const imageBoards = ['qemu-x86', 'qemu-arm64', 'rpi4', 'rpi5', 'jetson'] as const;
export type ImageBoard = (typeof imageBoards)[number];

/** How a board finds its kernel in the boot partition. */
export type BootMethod = 'grub-bios' | 'grub-efi' | 'raspberry-pi';

/** A board that an image can be made for, as data. */
export interface BoardImage {
  readonly board: ImageBoard;
  /** Debian's name of the processor, and npm's. */
  readonly architecture: 'amd64' | 'arm64';
  readonly cpu: 'x64' | 'arm64';
  readonly boot: BootMethod;
  /** What `serviceFiles` calls it. */
  readonly service: Board;
  /** Debian packages that only this board has: kernel and firmware among them. */
  readonly packages: readonly string[];
  /** Packages that are unpacked for their boot loader and are not installed. */
  readonly loader: readonly string[];
  /** Kernel modules that the root and data partitions lie behind. */
  readonly modules: readonly string[];
  /** Where the kernel writes; the last one is `/dev/console`. */
  readonly consoles: readonly string[];
  /** Terminals that show serial, fingerprint and QR code. */
  readonly terminals: readonly string[];
  /** Whether its image was ever started, in an emulator, or only built: nobody had the board. */
  readonly tried: 'booted' | 'built';
}

const squash = ['squashfs', 'ext4', 'loop'];
const virtio = ['virtio_pci', 'virtio_blk', 'virtio_scsi', 'virtio_net'];

const supported: Readonly<Partial<Record<ImageBoard, BoardImage>>> = {
  'qemu-x86': {
    board: 'qemu-x86',
    architecture: 'amd64',
    cpu: 'x64',
    boot: 'grub-bios',
    service: 'generic',
    packages: ['linux-image-amd64'],
    loader: ['grub-common', 'grub-pc-bin'],
    modules: [...squash, ...virtio, 'ahci', 'ata_piix', 'sd_mod', 'nvme', 'i6300esb'],
    consoles: ['tty1', 'ttyS0'],
    terminals: ['tty1', 'ttyS0'],
    tried: 'booted',
  },
  'qemu-arm64': {
    board: 'qemu-arm64',
    architecture: 'arm64',
    cpu: 'arm64',
    boot: 'grub-efi',
    service: 'generic',
    packages: ['linux-image-arm64'],
    loader: ['grub-efi-arm64-bin'],
    modules: [...squash, ...virtio, 'sd_mod'],
    consoles: ['tty1', 'ttyAMA0'],
    terminals: ['tty1', 'ttyAMA0'],
    tried: 'built',
  },
  rpi4: {
    board: 'rpi4',
    architecture: 'arm64',
    cpu: 'arm64',
    boot: 'raspberry-pi',
    service: 'raspberry-pi',
    packages: ['linux-image-arm64', 'raspi-firmware', 'firmware-brcm80211'],
    loader: [],
    // SD card, USB storage, and the clocks and regulators that they hang on.
    modules: [
      ...squash,
      ...['sdhci_iproc', 'mmc_block', 'bcm2835', 'sdhci', 'clk_raspberrypi', 'gpio_raspberrypi_exp'],
      ...['raspberrypi_cpufreq', 'reset_raspberrypi', 'pcie_brcmstb', 'xhci_pci', 'usb_storage', 'uas', 'sd_mod'],
    ],
    consoles: ['ttyS1,115200', 'tty1'],
    terminals: ['tty1'],
    tried: 'built',
  },
};

/** Why there is no image, and what is needed for one. */
const refused: Readonly<Partial<Record<ImageBoard, readonly [why: string, hint: string]>>> = {
  rpi5: [
    "Debian 12's firmware for Raspberry Pi (raspi-firmware 1.20220830) and its kernel 6.1 are older than the Raspberry Pi 5, which does not start with them",
    'Flash Raspberry Pi OS and install the service after provisioning/service/README.md, or use a Raspberry Pi 4.',
  ],
  jetson: [
    'A Jetson starts through boot firmware and a kernel of NVIDIA that Debian does not have',
    "Flash NVIDIA's Jetson Linux with its own tool (l4t_initrd_flash.sh), then install the service after provisioning/service/README.md.",
  ],
};

/** The board's data. Throws `usage-invalid` for one that no bootable image can be made for, with what to do instead. */
export function boardImage(board: ImageBoard): BoardImage {
  const found = supported[board];
  if (found !== undefined) return found;
  const [why, hint] = refused[board] ?? [`${board} is not known`, `Known boards: ${imageBoards.join(', ')}.`];
  throw new AtalayaError('usage-invalid', `there is no image for ${board}: ${why}`, { hint });
}
