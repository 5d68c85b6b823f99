import type { CalibrationTable } from '../calibration/table.ts';
import type { AnyManifest } from '../contract/manifest.ts';

type Described = AnyManifest extends infer M ? (M extends AnyManifest ? Omit<M, 'files'> : never) : never;

/** The model card that lies in the bundle, for people. `statement` says who states the licence, where the weights carry none. */
export function writeCard(
  manifest: Described,
  table: CalibrationTable,
  statement: { readonly licenceStatement?: string } = {},
): string {
  const { provenance } = manifest;
  const { task, scaling, output, quantised, limits } = partsOf(manifest);
  const { licenceStatement } = statement;
  return [
    `# ${manifest.id} ${manifest.version}`,
    '',
    `${provenance.description}.`,
    '',
    `- Task: ${manifest.task}. ${task}`,
    `- Input: \`${manifest.input.name}\`, ${manifest.input.dtype} ${manifest.input.layout}, ${sizeOf(manifest)}, ${manifest.input.colour}; ${scaling}`,
    `- Output: ${output}`,
    `- Engine: ${manifest.engine}, ${manifest.precision}.`,
    `- Licence: ${manifest.licence} (see LICENSE). Weights from ${originOf(provenance)}.`,
    ...(licenceStatement === undefined ? [] : [`- Where that licence is stated: ${licenceStatement}.`]),
    '',
    ...(manifest.precision === 'int8' ? quantisation(quantised, table) : []),
    '## Limits',
    '',
    ...limits.map((limit) => `- ${limit}`),
    '',
  ].join('\n');
}

interface Parts {
  readonly task: string;
  readonly scaling: string;
  readonly output: string;
  /** Lines that say what stays float32. */
  readonly quantised: readonly string[];
  readonly limits: readonly string[];
}

const normalising = 'normalising is part of the graph.';

function partsOf(manifest: Described): Parts {
  switch (manifest.task) {
    case 'vehicle-detection':
      return {
        task: `Classes: ${manifest.classes.map((kept) => kept.name).join(', ')} (of the 90 COCO classes; the others are cut out).`,
        scaling: 'scaling to -1..1 is part of the graph.',
        output: "raw box encodings and logits per anchor; decoding and suppression are the caller's.",
        quantised: [
          'Weights are int8 per output channel, symmetric; activations uint8, with one range per layer. The last convolution of each head',
          'multiplies into float32 sums, so no score and no box encoding saturates.',
        ],
        limits: [
          'Trained on photographs taken by people (COCO 2017): small vehicles seen from high above, at night or through rain are found less often.',
          'COCO knows no vans; they come out as car, truck or bus. Pick-ups come out as truck.',
          'Vehicles that fill few of the 300 pixels are found less often: show the model a part of the picture instead of all of it.',
          'Scores are independent per class: one vehicle may be reported as car and as truck at once.',
        ],
      };
    case 'text-detection':
      return {
        task: 'Marks the pixels of text, each line shrunk.',
        scaling: normalising,
        output: `\`${manifest.outputs.probability.name}\`, float32 [1, height, width]: for each pixel the probability that it is part of shrunk text; tracing and growing regions are the caller's.`,
        quantised: [
          'Weights are int8 per output channel, symmetric; activations uint8, with one range per tensor. The small networks that weigh channels',
          '(squeeze-and-excitation) stay float32.',
        ],
        limits: [
          'Finds any text, not plates: what is a plate is for the caller to say.',
          'Trained on documents and scenes with Chinese and English text; letters of fewer than about eight pixels are missed.',
        ],
      };
    case 'text-recognition':
      return {
        task: `Characters: ${manifest.alphabet}, and the blank.`,
        scaling: normalising,
        output: `\`${manifest.outputs.logits.name}\`, float32 [batch, width / ${manifest.stride}, ${manifest.outputs.logits.columns}]: logits, before any softmax; column 0 is the blank of CTC.`,
        quantised: [
          'Weights are int8 per output channel, symmetric; activations uint8, with one range per tensor. Attention, normalisation and the last',
          'layers stay float32.',
        ],
        limits: [
          'Reads one line of text that fills the height. Two lines have to be cut apart before.',
          'It always prefers some character to none where ink looks like one: whether a read is a plate, and sure enough, is for the caller to say.',
        ],
      };
  }
}

function sizeOf({ input }: Described): string {
  const text = (side: typeof input.width | typeof input.height): string =>
    typeof side === 'number' ? String(side) : `(${side.smallest} to ${side.largest} in steps of ${side.multiple})`;
  return `${text(input.width)}x${text(input.height)}`;
}

function originOf(provenance: Described['provenance']): string {
  return 'package' in provenance
    ? `npm package ${provenance.package}@${provenance.version}, ${provenance.integrity}`
    : `models/${provenance.file}, SHA-256 ${provenance.sha256}`;
}

function quantisation(lines: readonly string[], table: CalibrationTable): string[] {
  return [
    '## Quantisation',
    '',
    ...lines,
    `Ranges were measured on ${table.provenance.frames} pictures: ${table.provenance.footage}.`,
    `Method: ${table.provenance.method}. No picture is contained in the table or in this bundle.`,
    '',
  ];
}
