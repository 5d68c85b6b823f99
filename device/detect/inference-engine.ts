/** What a detector network gives before anything is decoded. Fresh arrays on every call: the caller may keep or transfer them. */
export interface RawOutput {
  /** `[anchors * 4]`: encoded y, x, height, width of each anchor's box. */
  readonly boxes: Float32Array;
  /** `[anchors * classes]`: logits, one column per class of the bundle's manifest, in its order. */
  readonly scores: Float32Array;
}

/**
 * Runs one detector network.
 *
 * Every engine guarantees:
 * - the same bytes give the same output, whatever was inferred before;
 * - `input` is only read, and only until the promise settles;
 * - outputs have exactly the lengths that the bundle's manifest states;
 * - calls are answered in the order in which they were made, also where the caller does not wait;
 * - a wrong input length, and any call after `close`, rejects with `engine-failed`; the engine stays usable after the former;
 * - `close` may be called more than once.
 *
 * The computation itself blocks the calling thread (measured for onnxruntime-node 1.30 and tfjs 4.22 alike, although both answer with
 * promises): an engine belongs in a worker thread.
 */
export interface InferenceEngine {
  /** For logs and records: library, version, precision. */
  readonly name: string;
  /** Size of the picture in pixels; `infer` takes `height * width * 3` bytes, rows from the top, red first. */
  readonly input: { readonly width: number; readonly height: number };
  infer(input: Uint8Array): Promise<RawOutput>;
  close(): Promise<void>;
}
