import { createReadStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { sha256 } from '../../../device/kernel/hash.ts';
import { callProgram, source } from '../../../device/testing/call-program.ts';
import { emptyScene } from '../../../provisioning/enrol/granted-scene.ts';
import { madeFile, manifestFile } from '../../bundle/bundle-files.ts';
import { writeWholeTarget } from '../../bundle/write-target.ts';
import type { BundleManifest } from '../../contract/bundle.ts';
import { sceneFiles } from '../../contract/component-files.ts';

/** The scene that the unit's configuration names. */
export const configuredScene = join(source, 'device/scene/examples/street.yaml');
export const recording = join(source, 'device/capture/street/street.mjpeg');

export interface MadeScene {
  /** Of its bundle, without its ending. */
  readonly target: string;
  /** Of the scene's own file. */
  readonly sha256: string;
}

/** What the good scene changes: a lane has another name, and the limit is lower. */
export const changed = { lane: 'A1-new', before: 'A1', limitKmh: 45 } as const;

export interface BadScene {
  readonly what: string;
  readonly target: string;
  readonly says: RegExp;
}

export interface MadeScenes {
  /** SHA-256 of the scene that the unit's configuration names. */
  readonly configured: string;
  readonly good: MadeScene;
  /** Scenes that this unit cannot be well with, past the programs that refuse to make them: what they are, and what the unit says. */
  readonly bad: readonly BadScene[];
  /** Sentences with which the program that makes bundles has refused the bad ones. */
  readonly refused: readonly string[];
}

const cpu = process.arch;
/** Of the picture that the references of another place are made of: a camera that somebody has turned. */
const shiftPx = 120;

/** Bundles of a good scene of `unit` with its references, and of bad ones, in the folder `out`. */
export async function makeScenes(out: string, unit: string): Promise<MadeScenes> {
  await mkdir(out, { recursive: true });
  const at = (name: string) => join(out, name);
  const before = await readFile(configuredScene, 'utf8');
  const text = before
    .replace(`- name: ${changed.before}\n`, `- name: ${changed.lane}\n`)
    .replace('limitKmh: 50', `limitKmh: ${changed.limitKmh}`);
  await writeFile(at('changed.yaml'), text);
  await writeFile(at('first.jpg'), await firstPicture(recording));
  await sharp(at('first.jpg'))
    .affine([1, 0, 0, 1], { background: 'grey', odx: shiftPx, ody: 0 })
    .extract({ left: 0, top: 0, width: 1920, height: 1080 })
    .toFile(at('elsewhere.jpg'));
  for (const [picture, to] of [
    ['first', 'changed'],
    ['elsewhere', 'elsewhere'],
  ]) {
    const references = ['calibrate', 'references', '--picture', at(`${picture}.jpg`), '--scene', at('changed.yaml')];
    await callProgram('provision', [...references, '--out', at(`${to}.references.json`)]);
  }
  const bundled = (references: string, release: string) =>
    callProgram('ota', [
      ...['bundle', 'scene', '--scene', at('changed.yaml'), '--references', at(`${references}.references.json`)],
      ...['--unit', unit],
      ...['--release', release, '--hardware', cpu, '--out', out],
    ]);
  const { out: said } = await bundled('changed', '1');
  await bundled('elsewhere', '20');
  const elsewhere = {
    what: 'is of another place',
    target: `scene-${unit}-20-r20-${cpu}`,
    says: /component-unfit: .*(camera-moved|place-unseen)/,
  };
  const good = { target: `scene-${unit}-1-r1-${cpu}`, sha256: sha256(text) };
  if (!said.includes(good.sha256)) throw new Error(`the bundle of the scene was announced as:\n${said}`);
  const bad = [
    { what: 'has a field that no scene has', scene: `${text}lane: []\n`, says: /component-unfit: .*scene-invalid/ },
    { what: 'is of another camera', scene: anotherShape, says: /component-unfit: .*scene-mismatch/ },
    { what: 'is empty', scene: emptyScene, says: /component-unfit: .*scene-empty/ },
  ];
  const refused: string[] = [];
  const made = [];
  for (const [index, { what, scene, says }] of bad.entries()) {
    await writeFile(at('bad.yaml'), scene);
    const asked = [
      ...['bundle', 'scene', '--scene', at('bad.yaml'), '--unit', unit, '--picture', '1920x1080'],
      ...['--release', '99', '--out', out],
    ];
    const answer = await callProgram('ota', asked).catch((error: unknown) => String((error as Error).message));
    if (typeof answer !== 'string') throw new Error(`a scene that ${what} was bundled`);
    refused.push(`a scene that ${what} is not bundled: ${sentenceOf(answer)}`);
    made.push({ what, target: await forge(scene, unit, index + 2, out), says });
  }
  return { configured: sha256(before), good, bad: [...made, elsewhere], refused };
}

/** Drawn for pictures of another shape than the recording's. */
const anotherShape = `name: street
picture: { width: 640, height: 480 }
countingLines: [{ name: near, points: [[10, 300], [630, 300]] }]
`;

/** What a person who has the holders' keys and not this program could sign. */
async function forge(scene: string, unit: string, release: number, folder: string): Promise<string> {
  const manifest: BundleManifest = {
    ...{ schema: 'atalaya/bundle/1', kind: 'scene', name: `scene-${unit}`, unit },
    ...{ version: String(release), release, hardware: [cpu] },
  };
  const files = [manifestFile(manifest), madeFile(sceneFiles.scene, scene)];
  const { target } = await writeWholeTarget(files, manifest, { folder, signal: new AbortController().signal });
  return target.replace(/\.tar\.zst$/, '');
}

/** What Node tells of a program that failed begins with how it was called. */
const sentenceOf = (message: string): string =>
  message
    .split('\n')
    .slice(1, 3)
    .map((line) => line.trim())
    .join(' ');

/** Of a file of JPEGs one after the other. */
async function firstPicture(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(path)) {
    chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const end = bytes.indexOf(Buffer.of(0xff, 0xd9, 0xff, 0xd8));
    if (end >= 0) return bytes.subarray(0, end + 2);
  }
  throw new Error(`${path} has no picture`);
}
