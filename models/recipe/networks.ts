import type { NetworkRecipe } from './network-recipe.ts';
import { plateReaderAtalaya } from './plate-reader.ts';
import { plateFinder, plateReader } from './ppocr-v4.ts';

/** The networks that `import` makes beside the vehicle detector. */
export const networks: readonly NetworkRecipe[] = [plateFinder, plateReader, plateReaderAtalaya];
