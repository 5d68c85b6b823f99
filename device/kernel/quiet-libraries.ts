/**
 * The first import of every program that infers: what it infers with speaks with nobody.
 *
 * ONNX Runtime 1.30 was seen to look a host of its maker up and to keep a database of what it would send; with this set it does neither.
 * It has to stand before the library is loaded and before the first worker thread takes its copy of the environment.
 */
Object.assign(process.env, { ORT_DISABLE_TELEMETRY: '1' });
