import { describe } from "vitest";
import { brokerContract } from "../../contract/contract.ts";
import { openMemory } from "./memory-harness.ts";

describe("the memory engine", () => brokerContract(openMemory));
