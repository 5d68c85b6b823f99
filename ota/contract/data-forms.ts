import type { BundleManifest } from './bundle.ts';

/**
 * The form of what a unit keeps below its data folders: evidence and its ledger, index, outbox, the configuration on trial, slots, downloads and
 * the floors of the metadata. One number for all of it, since a unit goes back to another program with all of it.
 *
 * - Something is written that the programs before cannot read, or read wrongly: raise `writes` by one and put it at the end of `reads`. Whoever runs
 *   a program that does not read it is refused the update (`bundle-unreadable-data`), since there would be no way back.
 * - So go in two steps: first a release that reads the new form and writes the old one (`reads` alone grows), then, when that one is on all
 *   units, the release that writes it.
 * - Something is added that the programs before pass over without harm: nothing to do.
 * - A form goes from `reads` when no unit can have it any more.
 */
export const dataForms: NonNullable<BundleManifest['data']> = { writes: 1, reads: [1] };
