/** The messages of the wire as bytes and back: `docs/protocol.md` 5. Hand-written, because this is the hot path. */
export {
  decodeSchedulerEnqueueEvent,
  decodeSchedulerEntry,
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
} from "./scheduler-entry-codec.ts";
export { decodeServerInfo, encodeServerInfo } from "./server-info-codec.ts";
export { decodeTaskMessage, encodeTaskMessage } from "./task-message-codec.ts";
export { decodeWorkerInfo, encodeWorkerInfo } from "./worker-info-codec.ts";
