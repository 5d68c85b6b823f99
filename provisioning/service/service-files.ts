import { bridgeService } from './bridge-service.ts';
import { hostFiles } from './host-files.ts';
import { podmanFiles } from './podman-files.ts';
import { checkSettings, type ServiceFile, type ServiceSettings, usualService } from './service-settings.ts';
import { devicesService, enrolledFiles, trialGuard, unitService } from './unit-service.ts';

export { type Board, boards, type ServiceFile, type ServiceSettings, usualService } from './service-settings.ts';

/** Everything that a machine needs to run a unit or a bridge as a service. Throws `config-invalid`. */
export function serviceFiles(settings: ServiceSettings = usualService): readonly ServiceFile[] {
  checkSettings(settings);
  return [
    { path: 'etc/systemd/system/atalaya-unit.service', text: unitService(settings) },
    { path: 'etc/systemd/system/atalaya-devices.service', text: devicesService },
    ...enrolledFiles(settings),
    ...trialGuard(settings),
    { path: 'etc/systemd/system/atalaya-bridge.service', text: bridgeService(settings) },
    ...hostFiles(settings),
    ...podmanFiles(settings),
  ];
}

/** The files that are shipped: under `provisioning/service/files/`, each at its path. */
export function shippedServiceFiles(): readonly ServiceFile[] {
  return serviceFiles().map(({ path, text }) => ({ path: `files/${path}`, text }));
}
