export type { DeepPartial } from "./deep-partial.ts";
export type { DrainOptions } from "./drain.ts";
export type { EnqueuedFilter, PayloadMatch } from "./expectation.ts";
export { FakeClock } from "./fake-clock.ts";
export { type FakeRuntimeOptions, fakeRuntime } from "./fake-runtime.ts";
export type { PerformOptions } from "./perform.ts";
export type { DrainReport, Ending, Performed } from "./performed.ts";
export { type ExpectOptions, type TestQueue, testQueue } from "./test-queue.ts";
export type { TestQueueOptions } from "./test-queue-options.ts";
