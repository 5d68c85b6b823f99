import type { Switches } from '../health/degrade-keeper.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import type { PlateEffort } from './plates.ts';

const SHORT_CLIP = milliseconds(1000);

/** What a run does without for the moment; whoever does it asks here each time. */
export class UnitModes {
  #looksLess = false;
  #readsNone = false;
  #halfRing = false;
  #shortClips = false;
  #noClips = false;
  #rests = false;
  #makesRoom = false;
  #fewFigures = false;

  get plates(): PlateEffort {
    return this.#readsNone ? 'none' : this.#looksLess ? 'less' : 'full';
  }

  /** Of the ring's memory. */
  get ringShare(): number {
    return this.#halfRing ? 0.5 : 1;
  }

  get clips(): boolean {
    return !this.#noClips;
  }

  /** How far a clip may reach from the moment. */
  clipReach(configured: Milliseconds): Milliseconds {
    return this.#shortClips ? milliseconds(Math.min(SHORT_CLIP, configured)) : configured;
  }

  /** Of the time that the detector may work. */
  get detectorShare(): number {
    return this.#rests ? 0.5 : 1;
  }

  get makesRoom(): boolean {
    return this.#makesRoom;
  }

  /** Of the room for counts and figures that wait for the centre. */
  get figuresShare(): number {
    return this.#fewFigures ? 0.25 : 1;
  }

  /** `quiet`: debug lines are off, or not. */
  switches(quiet: (off: boolean) => void): Switches {
    return {
      'debug-lines-off': quiet,
      'figures-kept-less': (on) => {
        this.#fewFigures = on;
      },
      'plates-looked-at-less': (on) => {
        this.#looksLess = on;
      },
      'ring-smaller': (on) => {
        this.#halfRing = on;
      },
      'clips-shorter': (on) => {
        this.#shortClips = on;
      },
      'room-is-made': (on) => {
        this.#makesRoom = on;
      },
      'plates-not-read': (on) => {
        this.#readsNone = on;
      },
      'clips-not-made': (on) => {
        this.#noClips = on;
      },
      'detector-rests': (on) => {
        this.#rests = on;
      },
      'dates-doubted': 'stated',
      'camera-awaited': 'stated',
    };
  }
}
