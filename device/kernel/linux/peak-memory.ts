import { readFileSync } from 'node:fs';

/**
 * Bytes of memory that this process had at most (proc(5), VmHWM); NaN where the kernel does not tell. Not by getrusage(2): its ru_maxrss
 * outlives execve(2), so that it may be that of whoever started this process.
 */
export function peakMemory(): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return 1024 * Number(kibibytes);
}
