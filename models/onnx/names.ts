/** Names of the written graphs' inputs and outputs, for every engine. */
export const tensorNames = {
  input: 'image',
  boxes: 'boxes',
  scores: 'scores',
  probability: 'probability',
  logits: 'logits',
} as const;
