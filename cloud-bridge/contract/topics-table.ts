import { schemaFile } from './published-contract.ts';
import { type Topic, topics } from './topics.ts';

/** The topics as a Markdown table, for the page of the contract. */
export function topicsTable(): string {
  const rows = Object.entries<Topic>(topics).map(([name, { path, way, qos, retain, payload, about }]) => {
    const form = payload === 'bytes' ? 'bytes' : `[${name}](${schemaFile(name)})`;
    return `| \`${path}\` | ${way} | ${qos}${retain ? ', retained' : ''} | ${form} | ${about} |`;
  });
  return ['| topic | way | QoS | payload | what it is |', '|---|---|---|---|---|', ...rows].join('\n');
}
