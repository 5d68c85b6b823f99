import test from 'ava';
import fc from 'fast-check';
import { isAtalayaError } from '../../kernel/errors.ts';
import {
  consistencyProof,
  Frontier,
  type HashReader,
  inclusionProof,
  leafHash,
  nodeHash,
  perfectRoot,
  rootAt,
} from './merkle.ts';
import { leafOf, leavesUpTo } from './testing/log-fixtures.ts';
import { consistencyHolds, naiveRoot, rootFromInclusion } from './testing/naive-tree.ts';

/** The reference tree of Certificate Transparency's own tests (google/certificate-transparency, merkle_tree_test). */
const reference = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => Buffer.from(hex, 'hex'));
const referenceRoots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

class ArrayReader implements HashReader {
  readonly #rows: Buffer[][] = [];

  constructor(leaves: readonly Uint8Array[]) {
    const frontier = new Frontier();
    for (const data of leaves) {
      frontier.append(leafHash(data), (height, hash) => {
        const row = this.#rows[height] ?? [];
        this.#rows[height] = row;
        row.push(hash);
      });
    }
  }

  async node(height: number, index: number): Promise<Buffer> {
    const hash = this.#rows[height]?.[index];
    if (hash === undefined) throw new Error(`node ${index} of height ${height} is not full`);
    return hash;
  }
}

const hex = (hashes: readonly Buffer[]): string[] => hashes.map((hash) => hash.toString('hex'));

test('the reference tree of Certificate Transparency has its roots and proofs', async (t) => {
  const frontier = new Frontier();
  for (const [size, root] of referenceRoots.entries()) {
    t.is(frontier.root.toString('hex'), root);
    if (size < reference.length) frontier.append(leafHash(reference[size]!));
  }
  const reader = new ArrayReader(reference);
  const inclusion = async (index: number, size: number) => hex(await inclusionProof(index, size, reader));
  t.deepEqual(await inclusion(0, 1), []);
  t.deepEqual(await inclusion(0, 8), [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ]);
  t.deepEqual(await inclusion(5, 8), [
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ]);
  t.deepEqual(await inclusion(2, 3), ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']);
  t.deepEqual(await inclusion(1, 5), [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  ]);
  const consistency = async (from: number, to: number) => hex(await consistencyProof(from, to, reader));
  t.deepEqual(await consistency(1, 1), []);
  t.deepEqual(await consistency(0, 8), []);
  t.deepEqual(await consistency(1, 8), [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ]);
  t.deepEqual(await consistency(6, 8), [
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ]);
  t.deepEqual(await consistency(2, 5), [
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  ]);
});

test('up to 70 leaves every root is that of the definition, and every proof holds and is the only one', async (t) => {
  const leaves = leavesUpTo(70);
  const reader = new ArrayReader(leaves);
  const roots = Array.from({ length: 71 }, (_, size) => naiveRoot(leaves.slice(0, size)));
  const frontier = new Frontier();
  for (const [index, data] of leaves.entries()) {
    frontier.append(leafHash(data));
    t.deepEqual(frontier.root, roots[index + 1]!);
    t.deepEqual(await rootAt(index + 1, reader), roots[index + 1]!);
  }
  for (let size = 1; size <= 70; size += 1) {
    for (let index = 0; index < size; index += 1) {
      const proof = await inclusionProof(index, size, reader);
      t.deepEqual(rootFromInclusion(index, size, leafHash(leaves[index]!), proof), roots[size]);
    }
    for (let from = 1; from <= size; from += 1) {
      const proof = await consistencyProof(from, size, reader);
      t.true(consistencyHolds(from, size, roots[from]!, roots[size]!, proof));
    }
  }
});

test('an edge that was taken up again at any size goes on to the same roots', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(600), fc.nat(300), async (size, more) => {
      const leaves = leavesUpTo(size + more);
      const rows = new ArrayReader(leaves.slice(0, size));
      const nodes = new Map<string, Buffer>();
      for (let height = 0, rest = size; rest > 0; height += 1, rest = Math.floor(rest / 2)) {
        if (rest % 2 === 1) nodes.set(`${height}/${rest - 1}`, await rows.node(height, rest - 1));
      }
      const edge = Frontier.at(size, (height, index) => nodes.get(`${height}/${index}`)!);
      for (const data of leaves.slice(size)) edge.append(leafHash(data));
      return edge.size === size + more && edge.root.equals(naiveRoot(leaves));
    }),
    { numRuns: 40 },
  );
  t.pass();
});

/** A tree of equal leaves: any of its full subtrees is known by its height alone. */
const equalLeaves: HashReader = {
  node: async (height) => {
    let hash = leafHash(leafOf(0));
    for (let at = 0; at < height; at += 1) hash = nodeHash(hash, hash);
    return hash;
  },
};

test('sizes about a million million have short proofs that hold', async (t) => {
  const size = fc.oneof(
    fc.integer({ min: 1, max: 2 ** 40 }),
    fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32 + 1, 2 ** 40 - 1, 2 ** 40),
  );
  await fc.assert(
    fc.asyncProperty(size, size, fc.double({ min: 0, max: 1, noNaN: true }), async (one, other, where) => {
      const from = Math.min(one, other);
      const to = Math.max(one, other);
      const [oldRoot, newRoot] = [await rootAt(from, equalLeaves), await rootAt(to, equalLeaves)];
      const consistency = await consistencyProof(from, to, equalLeaves);
      if (!consistencyHolds(from, to, oldRoot, newRoot, consistency)) return false;
      const index = Math.min(to - 1, Math.floor(where * to));
      const inclusion = await inclusionProof(index, to, equalLeaves);
      if (inclusion.length > 40 || consistency.length > 41) return false;
      return rootFromInclusion(index, to, leafHash(leafOf(0)), inclusion)?.equals(newRoot) ?? false;
    }),
  );
  t.pass();
});

test('a perfect subtree has the root of the definition', (t) => {
  for (let height = 0; height <= 8; height += 1) {
    const leaves = leavesUpTo(2 ** height);
    t.deepEqual(perfectRoot(Buffer.concat(leaves.map(leafHash))), naiveRoot(leaves));
  }
});

test('what no tree has is refused', async (t) => {
  const reader = new ArrayReader(leavesUpTo(4));
  for (const [index, size] of [
    [4, 4],
    [0, 0],
    [-1, 4],
    [0.5, 4],
    [Number.NaN, 4],
  ] as const) {
    t.true(isAtalayaError(await t.throwsAsync(inclusionProof(index, size, reader)), 'usage-invalid'));
  }
  for (const [from, to] of [
    [4, 3],
    [-1, 3],
    [1, Number.POSITIVE_INFINITY],
  ] as const) {
    t.true(isAtalayaError(await t.throwsAsync(consistencyProof(from, to, reader)), 'usage-invalid'));
  }
});
