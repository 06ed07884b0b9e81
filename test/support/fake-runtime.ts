/** Our own tests turn the same clock that users of `titanqueue/testing` do. */
export { FakeClock, settle } from "../../src/testing/fake-clock.ts";
export { fakeRuntime } from "../../src/testing/fake-runtime.ts";
