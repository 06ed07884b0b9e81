import { describe } from "vitest";
import { brokerContract } from "../../contract/contract.ts";
import { openSqlite } from "./sqlite-harness.ts";

describe("the SQLite engine", () => brokerContract(openSqlite));
