/** A measured value, and what else the same run tells. */
export interface Measurement {
  readonly value: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly redisCpuUs?: number;
  readonly redisCalls?: number;
  readonly nodeCpuUs?: number;
}
