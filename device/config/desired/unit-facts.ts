/** What a unit has and can do: what a document is held against besides the schema. Gathered by the composition root at its start. */
export interface UnitFacts {
  /** Its id. */
  readonly unit: string;
  /** Model bundles that are here: names, and absolute paths of folders. `any`: not looked for. */
  readonly bundles: readonly string[] | 'any';
  /** Rules that it judges by. */
  readonly rules: readonly string[];
  /** Output lines that it has; `any` where they are simulated. */
  readonly outputs: readonly string[] | 'any';
  /** Whether its scene names plate formats. */
  readonly sceneFormats: boolean;
  /** Of the machine. */
  readonly memoryBytes: number;
  /** Of the file system that its data lie on. */
  readonly diskBytes: number;
  readonly cores: number;
  /** Whether a text is an age recipient; without it, what begins as one is taken. */
  readonly isRecipient?: (text: string) => boolean;
  /** Whether a text is a verifier key of a witness; without it, what looks like one is taken. */
  readonly isVerifierKey?: (text: string) => boolean;
  /** Whether there is a file; without it, files are not looked for. */
  readonly hasFile?: (path: string) => boolean;
}
