/** One national plate format: which texts it allows, and what its plate looks like. */
export interface PlateFormat {
  /** `cl-new`: the country, then the format's own name. */
  readonly id: string;
  /** ISO 3166-1 alpha-2, or `EU` for what is common in Europe. */
  readonly country: string;
  readonly title: string;
  /** The law, standard or page that the patterns and sizes are from. */
  readonly source: string;
  /** What of it no source has confirmed. */
  readonly unconfirmed: string | undefined;
  /** The allowed texts: each pattern has a position for each character, each position the characters allowed there. */
  readonly patterns: readonly (readonly string[])[];
  /** The patterns as they are written in the file: `LLL DDD`. Empty for a generic format. */
  readonly shapes: readonly string[];
  /**
   * Allows what other things than plates could say: any mix of letters and digits, or digits alone. A reading that fits another format of
   * the scene goes before its twin here.
   */
  readonly generic: boolean;
  /** How often a plate follows this format, over how often it follows a series of the scene: 1 unless generic. */
  readonly share: number;
  /**
   * What a reader may see in place of what stands there: `O` -> `0D` says that an O at a position that allows no O stands for a 0 where a
   * 0 is allowed, else for a D where a D is.
   */
  readonly ambiguous: ReadonlyMap<string, string>;
  /** Groups of characters that have one shape on this plate: `O0`. Only the position tells them apart. */
  readonly sameShape: readonly string[];
  /** Millimetres. */
  readonly characterHeight: number;
  readonly proportions: {
    /** Millimetres. */
    readonly plate: { readonly width: number; readonly height: number };
    /** Width over height of one line of text, from straight ahead to half aside. */
    readonly text: { readonly least: number; readonly most: number };
  };
  /** Lines of text: of two, the upper one is read first. */
  readonly lines: 1 | 2;
}
