import { VERSION } from "../version.ts";
import { ROUTE_SCHEMAS, SCHEMAS } from "./openapi.gen.ts";
import { resolveSchema, type Schema } from "./schema.ts";

/** The OpenAPI document of all routes, made of the types that they are written in. */
export function openapi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [route, { summary, query, body, answer }] of Object.entries(ROUTE_SCHEMAS)) {
    const [method = "", path = ""] = route.split(" ");
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = {
      operationId: route
        .toLowerCase()
        .replaceAll(/[^a-z]+/g, "-")
        .replaceAll(/^-|-$/g, ""),
      summary,
      parameters: [...pathParameters(path), ...queryParameters(query)],
      ...(body !== null && { requestBody: { required: true, content: json(body) } }),
      responses: {
        ...(answer === null
          ? { "204": { description: "Done." } }
          : { "200": { description: "The answer.", content: contentOf(answer) } }),
        ...ALSO[route],
        default: {
          description: "What went wrong.",
          content: json({ $ref: "#/components/schemas/ErrorAnswer" }),
        },
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: { title: "TitanQueue Monitor", version: VERSION },
    paths,
    components: { schemas: { ...SCHEMAS, ...ERROR_SCHEMAS } },
  };
}

/** Answers that are neither the usual one nor an error. */
const ALSO: Readonly<Record<string, object>> = {
  "GET /healthz": {
    "503": {
      description: "The engine is away.",
      content: json({ $ref: "#/components/schemas/Healthy" }),
    },
  },
};

const ERROR_SCHEMAS: Readonly<Record<string, Schema>> = {
  ErrorAnswer: {
    type: "object",
    properties: { error: { $ref: "#/components/schemas/ErrorFacts" } },
    required: ["error"],
    additionalProperties: false,
  },
};

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: Schema | null): object[] {
  if (query === null) return [];
  const { properties = {}, required = [] } = resolveSchema(query, SCHEMAS);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

/** What is a text to us is a file, or an exposition. */
function contentOf(answer: Schema): object {
  return answer.type === "string" ? { "text/plain": { schema: answer } } : json(answer);
}

function json(schema: Schema): object {
  return { "application/json": { schema } };
}
