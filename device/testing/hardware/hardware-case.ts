import type { Milliseconds } from '../../kernel/units.ts';

/**
 * One thing that is shown on an emulated machine with a real kernel. A suite is a file `*.hardware.ts` anywhere under `device/` that
 * exports `cases: readonly HardwareCase[]`; it is loaded on the host, which asks for cases by name and so may do nothing but import, and
 * inside the machine, by the unit's own Node, as root. Every case has a process of its own, so that one that hangs or dies takes nothing
 * along.
 */
export interface HardwareCase {
  /** What is shown, in plain words; one line, no two alike in a suite. */
  readonly name: string;
  /** Longest time of `run`, on the machine's own clock; 60 s where it is not said. The emulation is ten times slower than a processor. */
  readonly deadline?: Milliseconds;
  /**
   * A time is what is shown: the case runs on a machine whose clock counts the instructions of its two processors, 1 ns each, so that
   * neither a busy host nor a slow one shows in the figure, but where the case waits for the disk or the network. That is slower than one
   * core of a Raspberry Pi 4.
   */
  readonly timed?: boolean;
  /** Resolves where it was shown; rejects, best by node:assert, where it was not; `PassedOver` where this machine cannot show it. */
  run(context: HardwareContext): Promise<void>;
}

/** What a case is given. */
export interface HardwareContext {
  /** Empty folder on the data disk (ext4), for this case alone. */
  readonly folder: string;
  /** Root of the program's tree, read-only: `device/`, `models/`, `node_modules/` and the built models under `.build/models`. */
  readonly tree: string;
  /** The vivid camera, a V4L2 capture device: `/dev/video0`. It gives a test picture, by default 640x360 YUYV. */
  readonly video: string;
  /** A Mosquitto on the host without login: `mqtt://10.0.2.2:PORT`; undefined where the host has none. */
  readonly broker: string | undefined;
  /** Makes a chip of gpio-sim with this label and so many lines; it is taken down when the case ends. */
  gpio(label: string, lines: number): Promise<SimulatedChip>;
  /** A figure or a remark that is printed under the case, for example `latency p99 3.1 ms`. */
  note(text: string): void;
  /** Aborted when the deadline has passed. */
  readonly signal: AbortSignal;
}

/** A chip of gpio-sim, seen from the far end of its lines. Lines are numbered from 0. */
export interface SimulatedChip {
  readonly label: string;
  /** Character device: `/dev/gpiochipN`. */
  readonly device: string;
  /** `gpiochipN`, as the kernel names it. */
  readonly name: string;
  /** Number of the chip's first line in /sys/class/gpio; undefined where the kernel has no such interface. */
  readonly base: number | undefined;
  /**
   * Drives an input from outside. Synchronous: the edge has been raised when it returns. Edges less than about 2 ms apart may be told
   * with the level of the later one.
   */
  pull(line: number, level: boolean): void;
  /** The level that stands at a line, an output's included, as the kernel sees it. */
  value(line: number): boolean;
  /** Takes the chip away, as if it were unplugged. Fails where a line is still held. */
  remove(): void;
}

/** This machine cannot show it, and why: counted apart, never as passed. */
export class PassedOver extends Error {
  override readonly name = 'PassedOver';
}
