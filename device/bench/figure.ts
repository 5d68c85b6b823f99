/** One figure of a benchmark: a line for a person, an object for a machine. */
export interface Figure {
  readonly section: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the figure is to be held against: a bar, or another figure of the same run. */
  readonly ratio?: string;
}

/** `section name value unit, ratio to what`. */
export function figureLine({ section, name, value, unit, ratio }: Figure): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return `${section} ${name} ${value.toFixed(digits)} ${unit}${ratio === undefined ? '' : `, ${ratio}`}`;
}

/** What a section is given to measure with. */
export interface BenchContext {
  /** Folder of the real footage, where it is present. */
  readonly data: string | undefined;
  /** Root of the project. */
  readonly root: string;
  /** A folder that is removed afterwards. */
  readonly scratch: string;
  /** Minutes that the soak and the chaos run take. */
  readonly minutes: number;
  /** Of what is drawn at random. */
  readonly seed: number;
  /** Entries of the large store of evidence. */
  readonly records: number;
  /** Units of the simulated fleet. */
  readonly units: number;
  /** Less of it, in a fraction of the time. */
  readonly quick: boolean;
  /** For notes that are not figures. */
  readonly say: (text: string) => void;
}

export type Section = (context: BenchContext) => Promise<readonly Figure[]>;
