import type { Backoff } from '../../kernel/supervise.ts';
import { type Fraction, fraction, type Milliseconds, milliseconds } from '../../kernel/units.ts';
import { defaultVoteSettings, type VoteSettings } from '../vote/settings.ts';

/** Which crops of a vehicle are worth reading. Heights are of the plate's characters, as expected from the vehicle's box, in pixels. */
export interface LookSettings {
  /** Nothing smaller is looked at. */
  readonly leastHeight: number;
  /** A crop so many times as large as the largest before is looked at whenever it comes. */
  readonly growth: number;
  /** A crop smaller than this share of the largest before is looked at only while nothing was read. */
  readonly worth: Fraction;
  /** Capture time after which a vehicle that moves is looked at again. */
  readonly again: Milliseconds;
  /** The same for one that stands. */
  readonly againStanding: Milliseconds;
  /** Nothing more is looked at when the vote is this sure ... */
  readonly sure: Fraction;
  /** ... and so many independent looks say its text. */
  readonly sureLooks: number;
}

export interface WatchSettings {
  /**
   * False: a crop that finds no room is dropped, as is right beside a camera. True: `observe` asks to be waited for until all is read: a
   * replay loses nothing, and reads the same on any machine.
   */
  readonly every: boolean;
  readonly look: LookSettings;
  /** Crops that wait to be read, at most: in all, their bytes, and of one track. */
  readonly queue: { readonly crops: number; readonly bytes: number; readonly perTrack: number };
  /** Capture time for which an unread plate waits for better frames while its vehicle comes nearer. */
  readonly patience: Milliseconds;
  /** Capture time for which an ended track is remembered: its accusation may come as much later. */
  readonly remember: Milliseconds;
  /** Bounds of what is remembered. The vehicle not seen for longest is forgotten first. */
  readonly memory: { readonly tracks: number; readonly sightings: number; readonly bytes: number };
  readonly reader: {
    /** Longest time for one crop. */
    readonly deadline: Milliseconds;
    /** Longest time to open a reader. */
    readonly opening: Milliseconds;
    /** Longest time that one may take to close. */
    readonly closing: Milliseconds;
    readonly backoff: Backoff;
  };
  readonly vote: VoteSettings;
}

/**
 * For a camera at 10 to 30 frames a second and a reader that takes some 50 to 300 ms a crop on a small board. A vehicle that drives through
 * the picture is looked at some five to ten times, one that stands fifteen times a minute until it is read.
 */
export const defaultWatchSettings: WatchSettings = {
  every: false,
  look: {
    leastHeight: 4,
    growth: 1.15,
    worth: fraction(0.75),
    again: milliseconds(300),
    againStanding: milliseconds(4000),
    sure: fraction(0.97),
    sureLooks: 2,
  },
  queue: { crops: 64, bytes: 24e6, perTrack: 3 },
  patience: milliseconds(3000),
  remember: milliseconds(35_000),
  memory: { tracks: 1000, sightings: 24, bytes: 64e6 },
  reader: {
    deadline: milliseconds(10_000),
    opening: milliseconds(60_000),
    closing: milliseconds(5000),
    backoff: { first: milliseconds(500), most: milliseconds(60_000) },
  },
  vote: defaultVoteSettings,
};
