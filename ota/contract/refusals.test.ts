import test from 'ava';
import fc from 'fast-check';
import { longestReason, reasonLine } from './refusals.ts';

test('a reason is one line, whatever a fault has said', (t) => {
  t.is(reasonLine('scene.yaml is refused:\n  line 4: no such key\r\n'), 'scene.yaml is refused: line 4: no such key');
  t.is(reasonLine('red \u001b[31m, or \u009b31m'), 'red  [31m, or  31m');
  t.is(reasonLine(' \n'), 'no reason was given');
  t.is(reasonLine(`${'x'.repeat(496)}\u{1f6a6}yz`), `${'x'.repeat(496)}\u{1f6a6}yz`);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (words) => {
      const line = reasonLine(words);
      return line.isWellFormed() && line.length <= longestReason && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(line) && line !== '';
    }),
  );
});
