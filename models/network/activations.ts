import { floatOf, inputOf, type Network, type Operator, operator, outputOf } from './network.ts';

/**
 * Gives names to what exporters spell out: `x * clip(x + 3, 0, 6) / 6`, or x times its HardSigmoid, becomes HardSwish (Howard et al. 2019, section 5.2), a factor 1 goes,
 * and `x + x * g` becomes `x * (g + 1)`, which adds to the few values of the gate instead of to the whole picture.
 */
export function nameActivations(network: Network): void {
  for (const listed of [...network.nodes]) {
    const node = network.producer(outputOf(listed));
    if (node === undefined) continue;
    if (node.op === 'Div') nameHardSwish(network, node);
    else if (node.op === 'Mul') nameProduct(network, node);
    else if (node.op === 'Add') gatherGate(network, node);
  }
  network.prune();
}

function nameHardSwish(network: Network, division: Operator): void {
  if (network.scalar(inputOf(division, 1)) !== 6) return;
  const product = network.producer(inputOf(division, 0));
  if (product?.op !== 'Mul' || network.soleConsumer(outputOf(product)) !== division) return;
  for (const at of [0, 1]) {
    const input = inputOf(product, at);
    const clip = network.producer(inputOf(product, 1 - at));
    if (clip?.op !== 'Clip' || network.scalar(inputOf(clip, 1)) !== 0 || network.scalar(inputOf(clip, 2)) !== 6)
      continue;
    const sum = network.producer(inputOf(clip, 0));
    if (sum?.op !== 'Add' || !sum.inputs.includes(input)) continue;
    if (network.scalar(inputOf(sum, 1 - sum.inputs.indexOf(input))) !== 3) continue;
    network.replace(division, operator('HardSwish', [input], outputOf(division)));
    return;
  }
}

/** A slope of 1/6 as float32 files state it. */
const sixth = 1 / 6;

function nameProduct(network: Network, node: Operator): void {
  for (const at of [0, 1]) {
    const gate = network.producer(inputOf(node, 1 - at));
    if (gate?.op !== 'HardSigmoid' || inputOf(gate, 0) !== inputOf(node, at)) continue;
    const [alpha, beta] = [floatOf(gate, 'alpha', 0.2), floatOf(gate, 'beta', 0.5)];
    if (Math.abs(alpha - sixth) > 1e-6 || beta !== 0.5 || network.soleConsumer(outputOf(gate)) !== node) continue;
    network.replace(node, operator('HardSwish', [inputOf(node, at)], outputOf(node)));
    return;
  }
  dropFactorOne(network, node);
}

function dropFactorOne(network: Network, node: Operator): void {
  const at = [0, 1].find((side) => network.scalar(inputOf(node, side)) === 1);
  if (at !== undefined) network.bypass(node, inputOf(node, 1 - at));
}

function gatherGate(network: Network, sum: Operator): void {
  for (const at of [0, 1]) {
    const input = inputOf(sum, at);
    const product = network.producer(inputOf(sum, 1 - at));
    if (product?.op !== 'Mul' || !product.inputs.includes(input)) continue;
    if (network.soleConsumer(outputOf(product)) !== sum) continue;
    const gate = inputOf(product, 1 - product.inputs.indexOf(input));
    if (network.producer(gate)?.op !== 'HardSigmoid' || network.soleConsumer(gate) !== product) continue;
    const raised = network.fresh(`${gate}:raised`);
    const one = network.constant('one', Float32Array.of(1), []);
    network.replace(product);
    network.replace(sum, operator('Add', [gate, one], raised), operator('Mul', [input, raised], outputOf(sum)));
    return;
  }
}
