import { sha256 } from '../../device/kernel/hash.ts';
import { type Attack, day, directed, refuseEach, three } from './testing/attack.ts';
import { madeNow, madePatch, madeTarget, one, targetEntry, two } from './testing/made-repositories.ts';

const jobs: Attack[] = [
  {
    what: 'job: of another unit, signed by the director',
    code: 'wrong-unit',
    with: (at) => directed(at, [two], { unit: 'unit-2' }),
  },
  {
    what: 'job: replayed, the files of the director from before',
    code: 'timestamp-rollback',
    with: ({ director, old }) => director.serve(old.director),
  },
  {
    what: 'job: replayed, an older one signed anew',
    code: 'job-replayed',
    with: (at) => directed(at, [two], { job: { issued: new Date(madeNow - 2 * day).toISOString() } }),
  },
  {
    what: 'job: after it has run out',
    code: 'job-expired',
    with: (at) => directed(at, [two], { job: { expires: new Date(madeNow - 1000).toISOString() } }),
  },
  {
    what: 'job: while the clock is not good',
    code: 'clock-not-good',
    with: ({ unit }) => {
      unit.clockGood = false;
    },
  },
  {
    what: 'job: issued far ahead, so that no other is ever newer',
    code: 'job-contradictory',
    with: (at) =>
      directed(at, [two], {
        job: { issued: '2099-01-01T00:00:00Z', expires: '2099-02-01T00:00:00Z' },
      }),
  },
  {
    what: 'job: run out before it was issued',
    code: 'job-contradictory',
    with: (at) => directed(at, [two], { job: { expires: new Date(madeNow - 5 * day).toISOString() } }),
  },
  {
    what: 'job: run out before it may begin',
    code: 'job-contradictory',
    with: (at) => directed(at, [two], { job: { notBefore: new Date(madeNow + 50 * day).toISOString() } }),
  },
  {
    what: 'job: one target twice',
    code: 'job-contradictory',
    with: (at) => directed(at, [two], { job: { install: [two.target, two.target] } }),
  },
  {
    what: 'job: two releases of one component',
    code: 'job-contradictory',
    with: (at) => {
      at.made.release(three);
      directed(at, [two, three]);
    },
  },
  {
    what: 'job: two programs',
    code: 'job-contradictory',
    with: (at) => {
      const other = madeTarget(3, { name: 'other' });
      at.made.release(other);
      directed(at, [two, other]);
    },
  },
  {
    what: 'job: a target that the director does not describe',
    code: 'job-contradictory',
    with: (at) => directed(at, [two], { job: { install: [two.target, one.target] } }),
  },
  {
    what: 'job: a patch as if it were the whole',
    code: 'job-contradictory',
    with: (at) => {
      const patch = madePatch(two, one);
      at.made.release(patch);
      directed(at, [patch]);
    },
  },
  {
    what: 'job: a patch that the image repository does not know',
    code: 'target-unknown',
    with: (at) => directed(at, [two, madePatch(two, one)], { job: { install: [two.target] } }),
  },
  {
    what: 'job: a patch on which the repositories differ',
    code: 'repositories-disagree',
    with: (at) => {
      const patch = madePatch(two, one);
      at.made.release(patch);
      directed(at, [two, { ...patch, length: patch.length + 1 }], { job: { install: [two.target] } });
    },
  },
  {
    what: 'job: a patch that makes one tree and describes another release',
    code: 'job-contradictory',
    with: (at) => {
      const patch = madePatch({ ...two, description: { ...two.description, release: 9, version: '9.0.0' } }, one);
      at.made.release(patch);
      directed(at, [two, patch], { job: { install: [two.target] } });
    },
  },
  {
    what: 'job: metadata of the director without one',
    code: 'description-malformed',
    with: ({ director }) => {
      Object.assign(director.extra.targets, { atalaya: undefined });
      director.publish();
    },
  },
  {
    what: 'job: with a field that nobody knows',
    code: 'description-malformed',
    with: (at) => directed(at, [two], { job: { force: true } as never }),
  },
  ...(
    [
      ['of another length', { length: two.length + 1 }],
      ['of another hash', { sha256: sha256('x') }],
      ['of another tree', { description: { ...two.description, tree: one.description.tree } }],
      ['of another version', { description: { ...two.description, version: '9' } }],
      ['of another component', { description: { ...two.description, name: 'other' } }],
    ] as const
  ).map(
    ([what, change]): Attack => ({
      what: `disagreement: a target ${what} in the image repository`,
      code: 'repositories-disagree',
      with: ({ image }) => {
        image.targets.set(two.target, targetEntry({ ...two, ...change }));
        image.publish();
      },
    }),
  ),
  {
    what: 'disagreement: a second hash in one repository only',
    code: 'repositories-disagree',
    with: ({ image }) => {
      const entry = targetEntry(two);
      image.targets.set(two.target, { ...entry, hashes: { sha256: two.sha256, sha512: 'f'.repeat(128) } });
      image.publish();
    },
  },
  {
    what: 'description: none',
    code: 'description-malformed',
    with: ({ image }) => {
      image.targets.set(two.target, { length: two.length, hashes: { sha256: two.sha256 } });
      image.publish();
    },
  },
  {
    what: 'description: a name that leads out of the folder of components',
    code: 'description-malformed',
    with: (at) => {
      const evil = madeTarget(3, { kind: 'model', name: '../../etc' as never });
      const renamed = { ...evil, target: 'model-3.tar.zst' };
      at.made.release(renamed);
      directed(at, [renamed]);
    },
  },
];

refuseEach([...jobs]);
