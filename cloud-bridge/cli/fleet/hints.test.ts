import { glob, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { Command } from 'commander';
import { programOf } from './program.ts';
import { addSimulate } from './simulate.ts';
import { silentIo } from './testing/silent-io.ts';

const tree = fileURLToPath(new URL('../../../', import.meta.url));

const program = programOf(silentIo, [addSimulate], () => undefined);

/** What follows the name of the program, up to the end of the text that it stands in. */
const calls = /(?:atalaya-fleet|\$\{fleetProgram\}) +([^\n`'";,()|]+)/g;

/** Why these words are no call; undefined where they are one. Words after the options and arguments may be prose. */
function faultOf(words: readonly string[]): string | undefined {
  let at: Command = program;
  let afterOption = false;
  for (const word of words) {
    if (word.startsWith('--')) {
      afterOption = true;
      const name = word.replace(/[.:=].*$/, '');
      if (!optionsOf(at).has(name) && name !== '--help' && name !== '--version')
        return `${at.name()} has no option ${name}`;
      continue;
    }
    if (at.commands.length === 0) continue;
    // What follows the options of a group is for what it does unless said otherwise.
    if (at !== program && afterOption) break;
    const found = at.commands.find((one) => one.name() === word.replace(/[.:]$/, ''));
    if (found === undefined) return `${at.name()} has no command ${word}`;
    at = found;
  }
  return undefined;
}

/** Of a group those of what it does unless said otherwise, too; of the program itself what any command takes. */
function optionsOf(at: Command): ReadonlySet<string | undefined> {
  const also = at === program ? at.commands : at.commands.filter((one) => one.name() === 'list');
  return new Set([at, ...also].flatMap(({ options }) => options.map(({ long }) => long)));
}

async function callsIn(path: string): Promise<readonly string[]> {
  const text = await readFile(`${tree}${path}`, 'utf8');
  return [...text.matchAll(calls)].map(([, words = '']) => words.split('\\n')[0]?.trim() ?? '');
}

test('every call that a hint names is one', async (t) => {
  const faults: string[] = [];
  let seen = 0;
  for await (const path of glob(['cloud-bridge/**/*.ts', 'device/**/*.ts'], { cwd: tree })) {
    if (path.endsWith('.test.ts') || path.includes('/testing/')) continue;
    for (const call of await callsIn(path)) {
      seen += 1;
      const fault = faultOf(call.split(/\s+/));
      if (fault !== undefined) faults.push(`${path}: ${call}: ${fault}`);
    }
  }
  t.deepEqual(faults, []);
  t.true(seen >= 30, `${seen} calls`);
});

test('every call that a page names is one', async (t) => {
  const faults: string[] = [];
  let seen = 0;
  for await (const path of glob(['README.md', 'cloud-bridge/**/*.md', 'device/**/*.md'], { cwd: tree })) {
    const text = await readFile(`${tree}${path}`, 'utf8');
    // Lines of an example, and what stands between backquotes; long lines of an example go on in the next.
    const joined = text.replaceAll(/\\\n\s*/g, ' ');
    for (const [, line, quoted] of joined.matchAll(
      /^(?:npx )?atalaya-fleet (.+)$|`(?:npx )?atalaya-fleet ([^`]+)`/gm,
    )) {
      const call = (line ?? quoted ?? '').split('#')[0]?.replaceAll(/"[^"]*"|'[^']*'/g, 'TEXT') ?? '';
      for (const one of alternatives(call.trim().split(/\s+/))) {
        seen += 1;
        const fault = faultOf(one);
        if (fault !== undefined && !isProse(line, fault)) faults.push(`${path}: ${call}: ${fault}`);
      }
    }
  }
  t.deepEqual(faults, []);
  t.true(seen >= 25, `${seen} calls`);
});

/** `telemetry last | live [UNIT]`: each by itself. */
function alternatives(words: readonly string[]): readonly (readonly string[])[] {
  const bar = words.indexOf('|');
  if (bar < 0) return [words];
  const [first = '', ...others] = words;
  const parts = others.join(' ').split(' | ');
  return parts.map((part) => [first, ...part.split(' ')]);
}

/** A line of a paragraph that begins with the name of the program. */
const isProse = (line: string | undefined, fault: string): boolean =>
  line !== undefined && /has no command (is|how|that|what)$/.test(fault);

test('the walk through the commands finds what is none', (t) => {
  t.is(faultOf(['trust', 'sign', '--file', 'x', '--root', 'FILE']), undefined);
  t.is(faultOf(['trust', 'sing']), 'trust has no command sing');
  t.is(faultOf(['status', '--loud']), 'status has no option --loud');
  t.is(faultOf(['alerts', 'acknowlege', 'north-1', '--note', 'x']), 'alerts has no command acknowlege');
  t.is(faultOf(['alerts', '--unit', 'north-1']), undefined);
  t.is(faultOf(['look']), 'atalaya-fleet has no command look');
});
