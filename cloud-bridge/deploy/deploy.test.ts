import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { type BridgeConfig, loadBridgeConfig } from '../cli/bridge/bridge-config.ts';

const here = dirname(fileURLToPath(import.meta.url));
const at = (path: string) => join(here, path);

const service = z.looseObject({
  image: z.string().optional(),
  build: z.looseObject({ context: z.string(), dockerfile: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
});
const compose = z.looseObject({
  services: z.record(z.string(), service),
  secrets: z.record(z.string(), z.looseObject({ file: z.string() })).default({}),
  volumes: z.record(z.string(), z.null()),
});
type Service = z.infer<typeof service>;

const read = (file: string) => compose.parse(parse(readFileSync(at(file), 'utf8'), { merge: true }));
const readme = readFileSync(at('README.md'), 'utf8');
const sizes = ['small', 'large'] as const;

/** Where a mount comes from and where it is seen. */
function mounts({ volumes }: Service): readonly { readonly from: string; readonly to: string }[] {
  return volumes.map((volume) => {
    const [from = '', to = ''] = volume.split(':');
    return { from, to };
  });
}

const isFile = (from: string) => from.startsWith('.');
const isSecret = (from: string) => from.startsWith('./secrets/');

for (const size of sizes) {
  const { services, secrets, volumes } = read(`compose.${size}.yaml`);

  test(`${size}: every file that is named is in the tree, or is a secret that the README lists`, (t) => {
    const named = [
      ...Object.values(services).flatMap((one) => mounts(one).map(({ from }) => from)),
      ...Object.values(secrets).map(({ file }) => file),
    ].filter(isFile);
    t.true(named.length > 5);
    for (const from of named) {
      if (isSecret(from))
        t.true(readme.includes(`\`${from.slice('./secrets/'.length)}\``), `${from} is not in the README`);
      else t.true(existsSync(at(from)), `${from} is not there`);
    }
    for (const { build } of Object.values(services)) {
      if (build !== undefined) t.true(existsSync(resolve(here, build.context, build.dockerfile)));
    }
  });

  test(`${size}: every volume, secret and service that is named is declared, and every one declared is used`, (t) => {
    const all = Object.values(services);
    const used = all.flatMap((one) => mounts(one).map(({ from }) => from)).filter((from) => !isFile(from));
    t.deepEqual([...new Set(used)].sort(), Object.keys(volumes).sort());
    t.deepEqual([...new Set(all.flatMap((one) => one.secrets))].sort(), Object.keys(secrets).sort());
    for (const { depends_on: needs = [] } of all) {
      for (const name of Array.isArray(needs) ? needs : Object.keys(needs)) t.true(name in services, name);
    }
  });

  test(`${size}: the bridges have every file that their configuration names, and find every host`, async (t) => {
    const bridges = Object.entries(services).filter(([, { build }]) => build !== undefined);
    t.is(bridges.length, size === 'small' ? 1 : 2);
    const config = await loadBridgeConfig(at(`bridge.${size}.yaml`));
    for (const [name, bridge] of bridges) {
      const seen = new Set([
        ...mounts(bridge).map(({ to }) => to),
        ...bridge.secrets.map((secret) => `/run/secrets/${secret}`),
      ]);
      // Relative paths are relative to the configuration, which is seen in /etc/atalaya.
      for (const path of pathsOf(config)) {
        const inside = path.startsWith(here) ? path.replace(here, '/etc/atalaya') : path;
        t.true(seen.has(inside), `${name} does not see ${inside}`);
      }
      t.true(seen.has(config.data));
      const said = bridge.command?.[bridge.command.indexOf('--name') + 1];
      t.is(said ?? config.name, size === 'small' ? 'bridge-1' : name);
    }
    t.true(new URL(config.broker.url).hostname in services);
    if (config.blobs !== undefined) t.true(config.blobs.endPoint in services);
  });

  test(`${size}: every variable and every file of an image is accounted for`, (t) => {
    const text = readFileSync(at(`compose.${size}.yaml`), 'utf8');
    const example = readFileSync(at('env.example'), 'utf8');
    for (const [, name] of text.matchAll(/\$\{([A-Z_]+)/g)) t.true(example.includes(`${name}=`), name);
    for (const one of Object.values(services)) {
      for (const [name, value] of Object.entries(one.environment)) {
        if (!name.endsWith('_FILE')) continue;
        t.true(one.secrets.includes(value.replace('/run/secrets/', '')), `${name}: ${value}`);
      }
      t.true((one.image === undefined) !== (one.build === undefined));
      // An image without a version is another one tomorrow.
      if (one.image !== undefined) t.regex(one.image, /:[^:]*\d/);
    }
  });

  test(`${size}: the broker sees every file that its configuration names`, (t) => {
    const { broker } = services;
    const seen = new Set(mounts(broker as Service).map(({ to }) => to));
    const named = readFileSync(at('../broker/mosquitto/mosquitto.conf'), 'utf8').matchAll(
      /^(?:cafile|certfile|keyfile|crlfile|acl_file) (.*)$/gm,
    );
    const files = [...named].map(([, file]) => file ?? '');
    t.true(files.length >= 5, String(files));
    for (const file of files) t.true(seen.has(file), file);
  });
}

test('the image holds what the bridge imports', (t) => {
  const copied = [...readFileSync(at('Dockerfile'), 'utf8').matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, files]) =>
    (files ?? '').split(' '),
  );
  const root = resolve(here, '../..');
  for (const file of copied) t.true(existsSync(join(root, file)), file);
  t.true(copied.includes('device') && copied.includes('cloud-bridge'));
  t.false(readdirSync(here).includes('secrets'), 'no secret is in the tree');
});

function pathsOf({ broker, archive, blobs, queues, witness, trust, api }: BridgeConfig): readonly string[] {
  const all = [
    ...[
      broker.ca,
      broker.cert,
      broker.key,
      archive.urlFile,
      blobs?.accessKeyFile,
      blobs?.secretKeyFile,
      queues?.urlFile,
    ],
    ...[witness.keyFile, trust.rootKey, trust.document, api.tls?.cert, api.tls?.key],
  ];
  return all.filter((path) => path !== undefined);
}
