import test from 'ava';
import { scriptOf } from './program-tree.ts';

test('a source becomes a script at the same lines, and calls other modules by the names that they get', (t) => {
  const source = `#!/usr/bin/env node
import { type A, b } from '../x/y-1.ts';
import type { C } from './c.ts';
import { z } from 'zod';
export const thread: URL = new URL('./worker.ts', import.meta.url);
const later = await import("./later.ts");
/** As \`c.ts\` has it. */
const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
`;
  const script = scriptOf(source);
  t.deepEqual(
    script.split('\n').map((line) => line.replace(/ +/g, ' ').trim()),
    [
      '#!/usr/bin/env node',
      "import { b } from '../x/y-1.js';",
      '',
      "import { z } from 'zod';",
      "export const thread = new URL('./worker.js', import.meta.url);",
      'const later = await import("./later.js");',
      '/** As `c.ts` has it. */',
      "const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';",
      '',
    ],
  );
});
