import type { ServiceFile } from '../service/service-files.ts';
import type { BootMethod } from './boards.ts';

/** Names in the boot partition. */
export const kernelName = 'vmlinuz';
export const initialName = 'initrd.img';

/** Of the boot partition. Not that of a stick (`stick-files.ts`): a machine may start from USB, and a card lie in a reader. */
export const bootLabel = 'ATALAYABOOT';

/** What the boot loader reads, as files of the boot partition. */
export function bootFiles(boot: BootMethod, kernelArguments: string): readonly ServiceFile[] {
  if (boot !== 'raspberry-pi') {
    const path = boot === 'grub-bios' ? 'grub/grub.cfg' : 'EFI/debian/grub.cfg';
    return [{ path, text: grubConfiguration(kernelArguments) }];
  }
  return [
    { path: 'cmdline.txt', text: `${kernelArguments}\n` },
    { path: 'config.txt', text: raspberryConfiguration },
  ];
}

/** Configuration inside of GRUB for BIOS: the boot partition is the one that has our kernel. Debian's GRUB for EFI looks below EFI/debian. */
export const grubBeginning = `search.file /${kernelName} root
set prefix=($root)/grub
configfile /grub/grub.cfg
`;

/** One way to start, at once, and again after a fault: nobody stands at a pole to choose. */
const grubConfiguration = (kernelArguments: string): string => `linux /${kernelName} ${kernelArguments}
initrd /${initialName}
boot
`;

/** Modules inside of GRUB for BIOS. `normal` reads the configuration, the others find it. */
export const grubModules: readonly string[] = [
  ...['biosdisk', 'part_msdos', 'fat', 'search', 'search_fs_file', 'configfile', 'normal', 'linux', 'boot'],
];

/** https://www.raspberrypi.com/documentation/computers/config_txt.html */
const raspberryConfiguration = `arm_64bit=1
enable_uart=1
upstream_kernel=1
kernel=${kernelName}
initramfs ${initialName} followkernel
disable_overscan=1
`;
