/** The only thing that the front end knows of the back end. */
export type * from "../../../src/monitor/api.ts";
