/**
 * Numbers of ioctl requests, as `include/uapi/asm-generic/ioctl.h` of Linux makes them; x86 and arm64 both use that file:
 * direction (2 bits) at bit 30, size of the argument (14) at 16, the driver's letter (8) at 8, the number (8) at 0. The direction is
 * seen from the program: `read` is what the kernel writes into the argument.
 */
const directions = { none: 0, write: 1, read: 2, both: 3 } as const;

function ioctlNumber(direction: keyof typeof directions, type: number, number: number, size: number): number {
  if (size >= 1 << 14) throw new RangeError(`an argument of ${size} bytes has no ioctl number`);
  return ((directions[direction] << 30) | (size << 16) | (type << 8) | number) >>> 0;
}

/** `_IOR(type, number, argument of size bytes)`. */
export const ioctlRead = (type: number, number: number, size: number): number =>
  ioctlNumber('read', type, number, size);

/** `_IOWR(type, number, argument of size bytes)`. */
export const ioctlBoth = (type: number, number: number, size: number): number =>
  ioctlNumber('both', type, number, size);
