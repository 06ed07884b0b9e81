/**
 * Writes `src/monitor/openapi.gen.ts` from the types of `src/monitor/api.ts` and of the files that it opens:
 *
 *     tsx scripts/gen-openapi.ts            writes
 *     tsx scripts/gen-openapi.ts --check    fails when the written file is stale
 *
 * Requests are checked against these schemas, and the OpenAPI document is made of them, so that neither can say anything
 * else than the types do. The types may use what JSON Schema has a word for, and nothing more: anything else is refused.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const source = new URL("../src/monitor/api.ts", import.meta.url);
const target = fileURLToPath(new URL("../src/monitor/openapi.gen.ts", import.meta.url));

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Schema = { [key: string]: Json };

/** Members of `Routes` that are no schema of a body. */
const NUMBERS = ["minimum", "maximum", "maxItems"];

class Generator {
  readonly #declared = new Map<string, ts.InterfaceDeclaration | ts.TypeAliasDeclaration>();
  readonly components = new Map<string, Schema>();

  constructor(door: URL) {
    this.#read(door);
  }

  /** Names are unique over all files: a door that opens two of one name does not compile. */
  #read(url: URL): void {
    const text = readFileSync(url, "utf8");
    for (const statement of ts.createSourceFile(url.pathname, text, ts.ScriptTarget.Latest, true)
      .statements) {
      if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
        this.#declared.set(statement.name.text, statement);
      } else if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined) {
        if (!ts.isStringLiteral(statement.moduleSpecifier)) this.#refuse(statement);
        this.#read(new URL(statement.moduleSpecifier.text, url));
      }
    }
  }

  routes(): Record<string, Schema> {
    const routes = this.#declared.get("Routes");
    if (routes === undefined || !ts.isInterfaceDeclaration(routes)) throw new Error("there are no Routes");
    const rooms = [...this.#parents(routes.heritageClauses), routes];
    return Object.fromEntries(rooms.flatMap(({ members }) => members.map((member) => this.#route(member))));
  }

  #route(member: ts.TypeElement): [string, Schema] {
    if (!ts.isPropertySignature(member) || !ts.isStringLiteral(member.name)) this.#refuse(member);
    const { type } = member;
    if (type === undefined || !ts.isTypeLiteralNode(type)) this.#refuse(member);
    const parts = new Map<string, ts.TypeNode>();
    for (const part of type.members) {
      if (!ts.isPropertySignature(part) || part.type === undefined) this.#refuse(part);
      parts.set(part.name.getText(), part.type);
    }
    const schemaOf = (part: string): Json => {
      const node = parts.get(part);
      return node === undefined ? null : this.#schema(node);
    };
    const answer = parts.get("answer");
    const empty = answer?.getText() === "null";
    return [
      member.name.text,
      {
        summary: this.#comment(member),
        query: schemaOf("query"),
        body: schemaOf("body"),
        answer: empty ? null : schemaOf("answer"),
      },
    ];
  }

  #schema(node: ts.TypeNode): Schema {
    switch (node.kind) {
      case ts.SyntaxKind.StringKeyword:
        return { type: "string" };
      case ts.SyntaxKind.NumberKeyword:
        return { type: "number" };
      case ts.SyntaxKind.BooleanKeyword:
        return { type: "boolean" };
      case ts.SyntaxKind.UnknownKeyword:
        return {};
    }
    if (ts.isArrayTypeNode(node)) return { type: "array", items: this.#schema(node.elementType) };
    if (ts.isParenthesizedTypeNode(node)) return this.#schema(node.type);
    if (ts.isLiteralTypeNode(node)) return this.#literal(node);
    if (ts.isUnionTypeNode(node)) return this.#union(node);
    if (ts.isTypeLiteralNode(node)) return this.#object(node.members);
    if (ts.isTypeReferenceNode(node)) return this.#named(node);
    return this.#refuse(node);
  }

  #literal({ literal }: ts.LiteralTypeNode): Schema {
    if (literal.kind === ts.SyntaxKind.NullKeyword) return { type: "null" };
    if (ts.isStringLiteral(literal)) return { enum: [literal.text] };
    return this.#refuse(literal);
  }

  #union(node: ts.UnionTypeNode): Schema {
    const schemas = node.types.map((type) => this.#schema(type));
    if (!schemas.every((schema) => Array.isArray(schema["enum"]))) return { anyOf: schemas };
    return { enum: schemas.flatMap((schema) => schema["enum"] as Json[]) };
  }

  #named(node: ts.TypeReferenceNode): Schema {
    const name = node.typeName.getText();
    const declaration = this.#declared.get(name);
    if (declaration === undefined) return this.#refuse(node);
    if (!this.components.has(name)) {
      this.components.set(name, {});
      const schema = ts.isTypeAliasDeclaration(declaration)
        ? this.#schema(declaration.type)
        : this.#object(declaration.members, declaration.heritageClauses);
      const description = this.#comment(declaration);
      this.components.set(name, { ...schema, ...(description !== "" && { description }) });
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  #object(members: ts.NodeArray<ts.TypeElement>, parents?: ts.NodeArray<ts.HeritageClause>): Schema {
    const properties: Record<string, Json> = {};
    const required: string[] = [];
    for (const declaration of this.#parents(parents)) {
      const schema = this.#object(declaration.members, declaration.heritageClauses);
      Object.assign(properties, schema["properties"]);
      required.push(...(schema["required"] as string[]));
    }
    for (const member of members) {
      if (ts.isIndexSignatureDeclaration(member)) {
        return { type: "object", additionalProperties: this.#schema(member.type) };
      }
      if (!ts.isPropertySignature(member) || member.type === undefined) this.#refuse(member);
      const name = member.name.getText();
      properties[name] = { ...this.#schema(member.type), ...this.#tags(member) };
      if (member.questionToken === undefined) required.push(name);
    }
    return { type: "object", properties, required, additionalProperties: false };
  }

  #parents(clauses: ts.NodeArray<ts.HeritageClause> | undefined): ts.InterfaceDeclaration[] {
    const parents = clauses?.flatMap((clause) => [...clause.types]) ?? [];
    return parents.map((parent) => {
      const declaration = this.#declared.get(parent.expression.getText());
      return declaration !== undefined && ts.isInterfaceDeclaration(declaration)
        ? declaration
        : this.#refuse(parent);
    });
  }

  #tags(node: ts.Node): Schema {
    const found: Schema = {};
    for (const tag of ts.getJSDocTags(node)) {
      const name = tag.tagName.text;
      const text = String(tag.comment ?? "");
      if (NUMBERS.includes(name)) found[name] = Number(text);
      else if (name === "default") found[name] = JSON.parse(text) as Json;
      else this.#refuse(tag);
    }
    const description = this.#comment(node);
    return { ...found, ...(description !== "" && { description }) };
  }

  /** The text before a node, without what is said of neighbours. */
  #comment(node: ts.Node): string {
    const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
    const text = docs.map((doc) => ts.getTextOfJSDocComment(doc.comment) ?? "").join(" ");
    return text.replaceAll(/\s+/g, " ").trim();
  }

  #refuse(node: ts.Node): never {
    const file = node.getSourceFile();
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    throw new Error(`${basename(file.fileName)}:${line + 1}: JSON Schema has no word for ${node.getText()}`);
  }
}

/** The text of `openapi.gen.ts`. */
function generateOpenapi(door: URL): string {
  const generator = new Generator(door);
  const routes = generator.routes();
  const components = Object.fromEntries([...generator.components].sort(([a], [b]) => (a < b ? -1 : 1)));
  return `// Generated by scripts/gen-openapi.ts from api.ts; do not edit.
import type { RouteName } from "./api.ts";
import type { RouteSchemas, Schema } from "./schema.ts";

export const SCHEMAS: Readonly<Record<string, Schema>> = ${JSON.stringify(components, null, 2)};

export const ROUTE_SCHEMAS: Readonly<Record<RouteName, RouteSchemas>> = ${JSON.stringify(routes, null, 2)};
`;
}

const text = generateOpenapi(source);
const stale = !existsSync(target) || readFileSync(target, "utf8") !== text;
if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (stale) {
  console.error("src/monitor/openapi.gen.ts is stale: run npm run gen");
  process.exitCode = 1;
}
