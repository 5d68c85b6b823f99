import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Who may import whom. The rules are those of the README; this file is what enforces them (`make check`).
 */

export interface Import {
  /** Path of the importing file from the root. */
  readonly from: string;
  /** Path of the imported file from the root, or a package's name. */
  readonly to: string;
  readonly kind: 'file' | 'package' | 'builtin';
  readonly typeOnly: boolean;
}

/** The stages of a frame's way: each may know those before it. */
const stages = ['capture', 'detect', 'track', 'plate', 'judge', 'evidence', 'signal'] as const;

/** Packages that touch hardware, files or native code, and the only places that may import them. */
const adapters: Readonly<Record<string, RegExp>> = {
  sharp:
    /^(device\/capture\/(decode-jpeg|read-picture|mjpeg-camera|street\/.*)|device\/evidence\/pictures\/.*|device\/report\/draw-(scene|plates)|models\/frames\/.*|provisioning\/(cli\/)?calibrate\/draw-[^/]*|provisioning\/image\/demo-clip)\.ts$/,
  'onnxruntime-node':
    /^(device\/detect\/engine\/onnxruntime-(engine|session)|device\/plate\/engine\/onnxruntime-plate-engine|device\/bench\/published-networks|models\/calibration\/observe)\.ts$/,
  '@tensorflow/': /^device\/detect\/engine\/tfjs-.*\.ts$/,
  'onnx-proto': /^models\/onnx\/.*\.ts$/,
  lowdb: /^device\/evidence\/index\/.*\.ts$/,
  'age-encryption': /^(device\/evidence\/sealing|device\/audit)\/.*\.ts$/,
  pdfkit: /^device\/audit\/.*\.ts$/,
  commander: /(^|\/)cli\/.*\.ts$/,
  mqtt: /^cloud-bridge\/(link\/mqtt-[^/]*|bench\/sync-bare-loop)\.ts$/,
  pg: /^cloud-bridge\/centre\/archive\/postgres[^/]*\.ts$/,
  minio: /^cloud-bridge\/centre\/blobs\/s3[^/]*\.ts$/,
  amqplib: /^cloud-bridge\/centre\/queues\/amqp[^/]*\.ts$/,
  fastify: /^(cloud-bridge\/centre\/api|device\/panel)\/.*\.ts$/,
  'prom-client': /^(cloud-bridge\/centre\/metrics|device\/health)\/.*\.ts$/,
  systeminformation: /^device\/health\/.*\.ts$/,
  pino: /^device\/kernel\/log\/.*\.ts$/,
  '@peculiar/x509': /^(cloud-bridge\/simulate\/pki|provisioning\/ca)\/.*\.ts$/,
  koffi: /^device\/kernel\/linux\/.*\.ts$/,
  onoff: /^device\/signal\/sysfs\/.*\.ts$/,
  'node-raspistill': /^device\/capture\/process\/raspistill[^/]*\.ts$/,
  uqr: /^(provisioning|device\/panel)\/.*\.ts$/,
  'tuf-js': /^ota\/trust\/.*\.ts$/,
  '@tufjs/': /^ota\/(trust|repository)\/.*\.ts$/,
};

/** The verifier of evidence, and all that it shares with the writer: an auditor must not inherit the writer's errors. */
const verifier = /^device\/evidence\/verify\//;
const sharedWithWriter = /^device\/kernel\/(canonical-json|hash|errors)\.ts$/;

/** Who signs updates and who verifies them share nothing but the shapes of both. */
const [signs, verifies] = [/^ota\/repository\//, /^ota\/trust\//];

/** The witness at the centre reads checkpoints with the code that writes and reads them on the unit. */
const witness = /^cloud-bridge\/centre\/witness\//;
const sharedWithWitness = /^device\/evidence\/(log\/|record\/envelope\.ts$)/;

/** A calibration is computed with the very map that the unit measures with. */
const calibration = /^provisioning\/calibrate\//;

/** Tests and what only they use. */
const forTests = /\.(test|hardware)\.ts$|\/testing\//;

/** Places that join everything: composition roots, command lines, benchmarks and tests. */
const joins =
  /^(device\/unit\/.*\.ts|device\/pipeline\.ts|(.*\/)?cli\/.*|device\/bench\/.*|cloud-bridge\/chaos\/.*|models\/bench\/.*|cloud-bridge\/bench\/.*|ota\/bench\/.*|device\/capture\/street\/.*)$/;

/** Why this import is not allowed; undefined where it is. */
export function violation({ from, to, kind, typeOnly }: Import): string | undefined {
  if (kind === 'builtin') return undefined;
  if (kind === 'package') {
    if (forTests.test(from)) return undefined;
    const rule = Object.entries(adapters).find(([name]) => to === name || to.startsWith(name));
    return rule === undefined || rule[1].test(from) ? undefined : `${to} belongs in an adapter`;
  }
  if (joins.test(from) || forTests.test(from)) return undefined;
  if (forTests.test(to)) return 'only tests import what is made for tests';
  const [top, room] = from.split('/');
  const [toTop, toRoom] = to.split('/');
  if ((signs.test(from) && verifies.test(to)) || (verifies.test(from) && signs.test(to)))
    return 'who signs and who verifies share contracts only';
  if (verifier.test(from)) {
    return verifier.test(to) || sharedWithWriter.test(to) ? undefined : 'the verifier shares nothing with the writer';
  }
  if (to.startsWith('device/kernel/')) return undefined;
  if (/\/contract\//.test(to)) return undefined;
  if (top === toTop && (room === toRoom || top !== 'device')) return undefined;
  if (joins.test(to)) return 'nobody imports a composition root';
  if (witness.test(from) && sharedWithWitness.test(to)) return undefined;
  if (calibration.test(from) && to.startsWith('device/scene/')) return undefined;
  if (top !== 'device') {
    return top === 'models' && /^device\/detect\//.test(to) && typeOnly
      ? undefined
      : `${top} imports the kernel and contracts only`;
  }
  if (room === 'kernel') return 'the kernel imports nothing of ours';
  if (to === 'package.json') return undefined;
  if (toTop !== 'device') return `a stage knows contracts of ${toTop} only`;
  return stageViolation(room ?? '', toRoom ?? '', typeOnly);
}

function stageViolation(room: string, toRoom: string, typeOnly: boolean): string | undefined {
  const at = stages.indexOf(room as (typeof stages)[number]);
  const toAt = stages.indexOf(toRoom as (typeof stages)[number]);
  if (toRoom === 'scene') return room === 'config' ? 'the configuration knows no stage' : undefined;
  if (room === 'scene')
    return toAt >= 0 && (typeOnly || toRoom === 'detect') && toAt <= 2 ? undefined : 'the scene knows value types only';
  if (room === 'report' || room === 'health' || room === 'panel' || room === 'audit')
    return toAt >= 0 ? undefined : `${room} knows stages only`;
  if (at < 0) return `${room} knows the kernel only`;
  return toAt >= 0 && toAt < at ? undefined : `${room} comes before ${toRoom}`;
}

const statement = /^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm;

/** Every import of one source text. */
export function importsOf(from: string, text: string): Import[] {
  return [...text.matchAll(statement)].map((match) => {
    const name = match[2] ?? match[3] ?? '';
    const typeOnly = match[1] !== undefined || onlyTypes(match[0]);
    if (name.startsWith('.')) return { from, to: normalize(join(dirname(from), name)), kind: 'file', typeOnly };
    return { from, to: name, kind: name.startsWith('node:') ? 'builtin' : 'package', typeOnly };
  });
}

/** `import { type A, type B } from`: nothing of it is there at run time. */
function onlyTypes(text: string): boolean {
  const names = /\{([^}]*)\}/
    .exec(text)?.[1]
    ?.split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  return names !== undefined && names.length > 0 && names.every((name) => name.startsWith('type '));
}

/** Every violation in a checkout, a line each. */
export function checkTree(root: string): string[] {
  const files = globSync('{device,models,provisioning,ota,cloud-bridge}/**/*.ts', { cwd: root });
  return files.sort().flatMap((file) =>
    importsOf(file, readFileSync(join(root, file), 'utf8')).flatMap((one) => {
      const why = violation(one);
      return why === undefined ? [] : [`${file}: imports ${one.to}: ${why}`];
    }),
  );
}

if (import.meta.main) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  const faults = checkTree(root);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) {
    console.error(
      `${faults.length} imports break the rules that ${relative(root, fileURLToPath(import.meta.url))} holds`,
    );
    process.exitCode = 1;
  } else console.log('import rules: kept');
}
