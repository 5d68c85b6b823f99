import { type BrokerFile, mosquittoFiles, recommendedMosquitto } from './mosquitto-files.ts';
import { rabbitFiles, recommendedRabbit } from './rabbit-files.ts';

export { bridgePrefix, filtersOfWay } from './access.ts';
export { type BrokerFile, type MosquittoPlace, mosquittoFiles, recommendedMosquitto } from './mosquitto-files.ts';
export { type RabbitPlace, rabbitDefinitions, rabbitFiles, recommendedRabbit } from './rabbit-files.ts';

/** The files that lie beside this one, made for the usual places: `make docs` writes them anew. */
export function shippedBrokerFiles(): readonly BrokerFile[] {
  return [
    ...mosquittoFiles(recommendedMosquitto).map(({ file, text }) => ({ file: `mosquitto/${file}`, text })),
    ...rabbitFiles(recommendedRabbit).map(({ file, text }) => ({ file: `rabbitmq/${file}`, text })),
  ];
}
