import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shippedBrokerFiles } from '../cloud-bridge/broker/broker-files.ts';
import { bridgeConfigSchema } from '../cloud-bridge/cli/bridge/bridge-config.ts';
import { publishedContract } from '../cloud-bridge/contract/published-contract.ts';
import { topicsTable } from '../cloud-bridge/contract/topics-table.ts';
import { configSchema } from '../device/config/config-schema.ts';
import { publishedConfigSchema } from '../device/config/published-config-schema.ts';
import { publishedSchemas } from '../device/evidence/record/published-schema.ts';
import { degradeTables } from '../device/health/degrade-table.ts';
import { referenceTable } from '../device/kernel/schema-reference.ts';
import { describeFormats } from '../device/plate/formats/format.ts';
import { sceneSchema } from '../device/scene/scene-schema.ts';
import { remediesTable } from '../device/selftest/remedies-table.ts';
import { publishedAcceptanceSchema } from '../provisioning/accept/acceptance.ts';
import { shippedServiceFiles } from '../provisioning/service/service-files.ts';

/**
 * The reference parts of the pages that people write files from, made from the schemas and data that check these files. `--check` only
 * compares (`make check`); without it the pages are written anew (`make docs`).
 */
const pages: readonly { readonly path: string; readonly table: () => string | Promise<string> }[] = [
  { path: 'device/config/README.md', table: () => referenceTable(configSchema) },
  { path: 'cloud-bridge/centre/README.md', table: () => referenceTable(bridgeConfigSchema) },
  { path: 'cloud-bridge/contract/README.md', table: topicsTable },
  { path: 'device/scene/README.md', table: () => referenceTable(sceneSchema) },
  { path: 'device/health/README.md', table: () => degradeTables() },
  { path: 'device/plate/README.md', table: describeFormats },
  { path: 'device/selftest/README.md', table: remediesTable },
];

const begin = '<!-- reference: made from the schema by `make docs` -->';
const end = '<!-- end of reference -->';

/** The page with its reference part made anew. Throws where the marks are missing. */
export function withReference(page: string, table: string): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the marks "${begin}" and "${end}" are missing`);
  return `${page.slice(0, from)}${begin}\n\n${table.trim()}\n\n${page.slice(to)}`;
}

/** Everything that is made from a schema: path from the root, and how it should read. */
async function wantedFiles(root: string): Promise<readonly (readonly [path: string, text: string])[]> {
  const references = await Promise.all(
    pages.map(async ({ path, table }) => {
      return [path, withReference(readFileSync(join(root, path), 'utf8'), await table())] as const;
    }),
  );
  const schemas = publishedSchemas().map(({ file, text }) => [`device/evidence/record/schema/${file}`, text] as const);
  const contract = publishedContract().map(({ file, text }) => [`cloud-bridge/contract/${file}`, text] as const);
  const broker = shippedBrokerFiles().map(({ file, text }) => [`cloud-bridge/broker/${file}`, text] as const);
  const service = shippedServiceFiles().map(({ path, text }) => [`provisioning/service/${path}`, text] as const);
  const configuration = publishedConfigSchema();
  return [
    ...references,
    ...schemas,
    ...contract,
    ...broker,
    ...service,
    [`device/config/schema/${configuration.file}`, configuration.text],
    ['provisioning/accept/schema/acceptance-1.json', publishedAcceptanceSchema()],
  ];
}

if (import.meta.main) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  for (const [path, wanted] of await wantedFiles(root)) {
    const now = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined;
    if (wanted === now) continue;
    if (process.argv.includes('--check')) {
      console.error(`${path} is not what its schema says; run make docs`);
      process.exitCode = 1;
    } else {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), wanted);
      console.log(`${path} was written anew`);
    }
  }
}
