import { PayloadNotSerializableError } from "../errors.ts";
import { encodePayload, MAX_PAYLOAD_BYTES } from "../payload.ts";

/**
 * The bytes of a task's result; nothing for `undefined`.
 *
 * @throws {@link PayloadNotSerializableError} JSON cannot hold the value, or it is larger than a payload may be.
 */
export function encodeResult(value: unknown): Uint8Array | undefined {
  const bytes = encodePayload(value, "result");
  if (bytes !== undefined && bytes.length > MAX_PAYLOAD_BYTES) {
    throw new PayloadNotSerializableError(
      "result",
      `is ${bytes.length} bytes, the limit is ${MAX_PAYLOAD_BYTES}; store the data elsewhere and return a reference`,
    );
  }
  return bytes;
}
