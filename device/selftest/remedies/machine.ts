import type { Remedy } from './remedy.ts';

/** Of clock, medium and board. */
export const machineRemedies = {
  'clock-unsynchronised': {
    means: 'Nothing steers the clock.',
    matters: 'Evidence states that its date is not to be relied on.',
    steps: [
      'Look who should: `timedatectl timesync-status`, or `chronyc tracking`.',
      'Let UDP port 123 out to the time server, or name one that is reached.',
      'Of a GPS receiver: give its antenna a view of the sky, and wait ten minutes.',
      'After a cold start give it some minutes and test again.',
    ],
  },
  'clock-inexact': {
    means: 'The clock is steered, and may still be wrong by more than a second.',
    matters: 'The second that evidence states may be another.',
    steps: [
      'Wait ten minutes and test again: after a start the bound shrinks.',
      'Look at the way to the time server: `chronyc sources`; use a nearer one.',
    ],
  },
  'clock-behind-evidence': {
    means: 'By the ledger it is later than by the clock: one of them is wrong.',
    matters: 'Evidence would stand in another order than it happened in.',
    steps: [
      'Set the clock right and keep it steered, as for `clock-unsynchronised`.',
      'Where the clock is right now, it was wrong when the newest entry was made: tell the centre, which has to judge those entries.',
      'Exchange the battery of the clock where the date is lost with the power.',
    ],
  },
  'storage-failed': {
    means: 'The data folder cannot be written or read.',
    matters: 'No evidence is sealed.',
    steps: [
      'Look whether the data disk is there and writable: `findmnt`, `dmesg | tail`.',
      'Compare the owner of the folder with the account of the unit.',
      'A medium that turned read-only is at its end: exchange it, and keep the old one: it holds evidence.',
    ],
  },
  'storage-slow': {
    means: 'Writing to the data disk takes long.',
    matters: 'Clips give way, and in the worst case infractions are lost.',
    steps: [
      'Look what else writes: `iotop -o`; test again when it is quiet.',
      'Free space: a nearly full flash medium slows down.',
      'Use a better medium: an SD card of application class A2, or an SSD.',
      'A medium that has become slow is near its end: exchange it.',
    ],
  },
  'storage-full': {
    means: 'The data disk is nearly full.',
    matters: 'Below the reserve new evidence is refused.',
    steps: [
      'Look what fills it: `du -x -d2` on the data folder.',
      'Let the centre pull what it waits for, and let retention erase more (`evidence.retention`).',
      'Release holds that are no longer needed.',
      'Use a larger medium.',
    ],
  },
  'medium-worn': {
    means: 'Most of the life of the medium is used.',
    matters: 'It will fail without further notice, and evidence with it.',
    steps: [
      'Let the centre pull all evidence.',
      'Exchange the medium at the next visit; at 100 % do not leave without it.',
    ],
  },
  'too-hot': {
    means: 'The processor is too hot.',
    matters: 'It is held back, frames are skipped, and parts of the work are given up.',
    steps: [
      'Free the air: filter, slots, fan.',
      'Look whether the fan turns, and whether the cooler sits on the processor.',
      'Shade the housing, or paint it white.',
      'Let it work less: fewer threads in `detector.threads`.',
    ],
  },
  throttled: {
    means: 'The processor is held back.',
    matters: 'Fewer frames are looked at.',
    steps: [
      'Look at power and temperature.',
      'Raspberry Pi: `vcgencmd get_throttled` tells which it was, since the start too.',
    ],
  },
  'power-low': {
    means: 'The supply voltage is too low.',
    matters: 'The unit may stop at any moment, and media are damaged by it.',
    steps: [
      'Measure the voltage at the board while it works: 5 V must not sink below 4.75 V.',
      'Use a shorter or thicker cable, and a supply of 5 A for a Raspberry Pi 5 (3 A for a 4).',
      'Give camera, modem and lamps a supply of their own.',
      'Of a battery: charge or exchange it.',
    ],
  },
} as const satisfies Readonly<Record<string, Remedy>>;
