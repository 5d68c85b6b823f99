import type { Normalisation } from '../network/ends.ts';
import type { NpmSource } from '../source/npm-tarball.ts';

/** Where a network's ONNX file comes from: a pinned npm tarball, or a file that is kept beside these programs. */
export type NetworkSource =
  | (NpmSource & {
      readonly kind: 'npm';
      /** Path of the ONNX file inside the tarball. */
      readonly graph: string;
    })
  | {
      readonly kind: 'file';
      /** Path from the folder `models`. */
      readonly path: string;
      readonly sha256: string;
    };

/** The source as manifests and calibration tables name it. */
export function originOf(source: NetworkSource) {
  return source.kind === 'npm'
    ? { package: source.package, version: source.version, integrity: source.integrity }
    : { file: source.path, sha256: source.sha256 };
}

interface CommonRecipe {
  readonly id: string;
  /** Raised whenever the recipe or the code that follows it changes what a bundle holds: older bundles are then made again. */
  readonly version: string;
  readonly source: NetworkSource;
  readonly licence: string;
  /** Who says that this is the licence. */
  readonly licenceStatement: string;
  readonly description: string;
  /**
   * How the network was trained to see pictures; `inside` where the ONNX file takes RGB bytes `[batch, height, width, 3]` already and
   * prepares them itself.
   */
  readonly normalisation: Normalisation | 'inside';
  /** Convolutions, named by their outputs, that the int8 variant computes in float32, because bytes would cost accuracy there. */
  readonly floatLayers: readonly string[];
}

/** A network that marks the pixels of text. */
export interface FinderRecipe extends CommonRecipe {
  readonly task: 'text-detection';
  /** The tensor `[1, 1, height, width]` of probabilities. */
  readonly probability: string;
  /** What both sides of a picture must be, in pixels. */
  readonly side: { readonly multiple: number; readonly smallest: number; readonly largest: number };
}

/** A network that reads a line of text. */
export interface ReaderRecipe extends CommonRecipe {
  readonly task: 'text-recognition';
  /** The tensor `[batch, steps, columns]` of logits, before any softmax. */
  readonly logits: string;
  readonly height: number;
  readonly width: { readonly multiple: number; readonly smallest: number; readonly largest: number };
  /** Input pixels a time step. */
  readonly stride: number;
  /** The characters that are kept, in the order of the columns after the blank. */
  readonly alphabet: string;
  /**
   * The tarball's list of characters, one a line, whose columns follow that of the blank; `alphabet` where the network's columns are the
   * blank and the alphabet already.
   */
  readonly characters: { readonly list: string } | 'alphabet';
}

export type NetworkRecipe = FinderRecipe | ReaderRecipe;

/** The forms in which such a network is written. */
export const networkVariants = ['float', 'int8'] as const;
export type NetworkVariant = (typeof networkVariants)[number];
