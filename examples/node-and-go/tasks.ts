import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { TimestampSchema, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { defineTask } from "titanqueue";
import { z } from "zod";

/** JSON. Hand in its keys in the order in which Go's struct has its fields: a unique lock is made from the bytes. */
export const welcome = defineTask("email:welcome", {
  payload: z.object({ userId: z.number(), name: z.string() }),
  options: { unique: "1h" },
});

/** Protobuf: any message that both sides have generated code for; here, one that comes with Protobuf. */
export const monthReport = defineTask("report:month", {
  codec: {
    encode: (month: Date) => toBinary(TimestampSchema, timestampFromDate(month)),
    decode: (bytes) => timestampDate(fromBinary(TimestampSchema, bytes)),
  },
  options: { retention: "1h" },
});
