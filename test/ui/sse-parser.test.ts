import * as fc from "fast-check";
import { expect, it } from "vitest";
import { SseParser } from "../../ui/src/live/sse-parser.ts";

const STREAM =
  ': connected\nretry: 3000\n\nevent: snapshot\nid: ab-1\ndata: {"now":1}\n\n: still here\n\r\nevent: delta\r\nid: ab-2\r\ndata: {"a":\r\ndata: 2}\r\n\r\n';

const EVENTS = [
  { event: "snapshot", data: '{"now":1}', id: "ab-1" },
  { event: "delta", data: '{"a":\n2}', id: "ab-2" },
];

it("makes events of a stream, and none of its comments", () => {
  expect(new SseParser().push(STREAM)).toEqual(EVENTS);
});

it("makes the same events however the stream was cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
      const parser = new SseParser();
      const places = [0, ...cuts.toSorted((a, b) => a - b), STREAM.length];
      const pieces = places.slice(1).map((end, at) => STREAM.slice(places[at], end));
      expect(pieces.flatMap((piece) => parser.push(piece))).toEqual(EVENTS);
    }),
  );
});

it("says nothing of an event whose end has not come", () => {
  expect(new SseParser().push("event: delta\ndata: {}\n")).toEqual([]);
});
