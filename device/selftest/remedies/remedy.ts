/** What to do about one trouble: `means` says what is wrong, `matters` what it does to the unit's work, `steps` what to try, in order. */
export interface Remedy {
  readonly means: string;
  readonly matters: string;
  readonly steps: readonly [string, ...string[]];
}
