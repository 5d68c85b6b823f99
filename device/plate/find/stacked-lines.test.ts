import test from 'ava';
import { grown, leastRectangle } from './box-quad.ts';
import { stackedLines } from './stacked-lines.ts';
import type { TextRegion } from './text-regions.ts';

function line(x: number, y: number, width: number, height: number): TextRegion {
  const kernel = [
    { x: x - width / 2, y: y - height / 2 },
    { x: x + width / 2, y: y - height / 2 },
    { x: x + width / 2, y: y + height / 2 },
    { x: x - width / 2, y: y + height / 2 },
  ];
  return { kernel, quad: grown(leastRectangle(kernel), 2, 2), score: 0.9, pieces: 1 };
}

test('two lines one below the other are a pair, the upper one first', (t) => {
  const [upper, lower] = [line(100, 50, 60, 20), line(102, 78, 64, 20)];
  t.deepEqual(stackedLines([lower, upper]), [[upper, lower]]);
});

test('side by side, far below, or of unlike size: no pair', (t) => {
  const first = line(100, 50, 60, 20);
  for (const other of [line(180, 50, 60, 20), line(100, 130, 60, 20), line(100, 90, 60, 60), line(150, 78, 60, 20)])
    t.deepEqual(stackedLines([first, other]), []);
});
