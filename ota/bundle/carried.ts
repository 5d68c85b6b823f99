/** What a program's bundle carries besides the program itself: for its bill of materials and its licences. */

/** A package of npm. */
export interface CarriedPackage {
  /** Below the bundle's root: `node_modules/a/node_modules/b`. */
  readonly folder: string;
  /** With its scope. */
  readonly name: string;
  readonly version: string;
  /** As it states it itself. */
  readonly licence: string | undefined;
  /** Whose it is and where it comes from, for people. */
  readonly origin: string | undefined;
  /** Of the archive that it came in, as npm writes it: `sha512-BASE64`. */
  readonly integrity: string;
  /** Folders of the packages that it needs itself. */
  readonly needs: readonly string[];
  readonly texts: readonly LicenceText[];
}

/** Node itself. */
export interface CarriedRuntime {
  readonly version: string;
  /** Folder of the package that it came in. */
  readonly folder: string;
  /** SHA-256 of the program. */
  readonly sha256: string;
}

export interface CarriedModel {
  readonly id: string;
  readonly version: string;
  readonly licence: string;
  readonly description: string;
  /** SHA-256 of `manifest.json`, which names that of every other file. */
  readonly sha256: string;
  /** The package of npm that it was made from, where it was. */
  readonly source: { readonly name: string; readonly version: string; readonly integrity: string } | undefined;
  readonly texts: readonly LicenceText[];
}

export interface LicenceText {
  /** Below the part's folder. */
  readonly path: string;
  readonly text: string;
}

/** The program that carries them. */
export interface CarryingProgram {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly texts: readonly LicenceText[];
}

export interface CarriedParts {
  readonly program: CarryingProgram;
  readonly runtime: CarriedRuntime;
  readonly packages: readonly CarriedPackage[];
  readonly models: readonly CarriedModel[];
  /** Folders of the packages that the program asks for itself. */
  readonly asked: readonly string[];
}

export const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
