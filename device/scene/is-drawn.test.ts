import test from 'ava';
import { isDrawn } from './is-drawn.ts';
import { parseScene } from './load-scene.ts';

const head = 'name: not drawn yet\npicture: { width: 1920, height: 1080 }\n';
const square = { width: 800, height: 800 };

test('a scene in which nothing is drawn fits pictures of every shape; one point, and it fits its own alone', (t) => {
  t.deepEqual(parseScene(head, 's').picture, { width: 1920, height: 1080 });
  t.deepEqual(parseScene(head, 's', square).picture, square);
  t.deepEqual(parseScene(`${head}timeZone: Europe/Madrid\nplates: { formats: [es] }\n`, 's', square).picture, square);
  for (const drawn of [
    'ignore: [[[0, 0], [9, 0], [9, 9]]]',
    'signals: [{ name: T, lamp: [5, 5], phases: { input: { red: line-1 } } }]',
    'regions: [{ x: 0, y: 0, width: 100, height: 100 }]',
  ]) {
    t.throws(() => parseScene(`${head}${drawn}\n`, 's', square), { code: 'scene-mismatch' }, drawn);
  }
  t.false(isDrawn({ name: 'a', picture: square }));
});
