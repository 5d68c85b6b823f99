import { AtalayaError, isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';

/** Error codes of S3 and of MinIO (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
const absent = new Set(['NotFound', 'NoSuchKey']);
const full = new Set(['XMinioStorageFull', 'InsufficientStorage', 'QuotaExceeded', 'XMinioAdminBucketQuotaExceeded']);
const refused = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'NoSuchBucket',
  'InvalidBucketName',
  'AllAccessDisabled',
]);
const passing = new Set(['SlowDown', 'ServiceUnavailable', 'InternalError', 'RequestTimeout', 'OperationAborted']);

export function isAbsent(error: unknown): boolean {
  return absent.has(systemCode(error) ?? '');
}

/** The fault that a failed call of the store is. */
export function s3Fault(error: unknown, what: string): AtalayaError {
  if (isAtalayaError(error, 'deadline-exceeded') || !(error instanceof Error)) return unavailable(error, what);
  if (isAtalayaError(error)) return error;
  const code = systemCode(error) ?? '';
  if (full.has(code)) return new AtalayaError('store-full', `${what}: the object store is full`, { cause: error });
  if (refused.has(code)) {
    return new AtalayaError('store-failed', `${what}: the object store refuses it (${code}): ${error.message}`, {
      hint: 'Check the bucket, the keys and what they allow.',
      cause: error,
    });
  }
  if (error.name !== 'S3Error' || passing.has(code)) return unavailable(error, what);
  return new AtalayaError('store-failed', `${what}: ${code}: ${error.message}`, { cause: error });
}

function unavailable(error: unknown, what: string): AtalayaError {
  const reason = reasonOf(error);
  return new AtalayaError('archive-unavailable', `${what}: the object store does not answer: ${reason}`, {
    hint: 'Start it, or wait until it is there again.',
    cause: error,
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (/wrong version number/.test(error.message)) return 'it does not speak TLS';
  return (error.message || (systemCode(error) ?? error.name)).split('\n')[0] ?? error.name;
}
