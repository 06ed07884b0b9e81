import { expect, it } from "vitest";
import { routePath } from "../../ui/src/api/route-path.ts";
import { hrefOf, link, matchPath, placeOf, withSearch } from "../../ui/src/routing/location.ts";

const ROOT = new URL("http://localhost:8080/");
const BELOW = new URL("https://example.com/ops/queues/");

it("finds the page under whatever the monitor is mounted", () => {
  expect(placeOf("http://localhost:8080/", ROOT).path).toBe("/");
  expect(placeOf("https://example.com/ops/queues/", BELOW).path).toBe("/");
  expect(placeOf("https://example.com/ops/queues/queues/low/?state=retry", BELOW)).toMatchObject({
    path: "/queues/low",
  });
  expect(placeOf("https://example.com/ops/queues/tasks?filter=a%20b", BELOW).search.get("filter")).toBe(
    "a b",
  );
});

it("makes addresses below where the monitor is mounted", () => {
  expect(hrefOf("/", ROOT)).toBe("/");
  expect(hrefOf("/queues/low?page=2", ROOT)).toBe("/queues/low?page=2");
  expect(hrefOf("/queues/low", BELOW)).toBe("/ops/queues/queues/low");
});

const HOSTILE = [
  "a/b",
  "..%2f",
  "?x=1",
  "#",
  "%",
  "{queue}",
  "<script>",
  "日本語",
  "a b",
  "javascript:alert(1)",
];

it.each(HOSTILE)("carries the name %j through an address and back", (name) => {
  const to = link`/queues/${name}/tasks/${name}`;
  const { path } = placeOf(new URL(hrefOf(to, BELOW), BELOW).href, BELOW);
  expect(matchPath("/queues/{queue}/tasks/{id}", path)).toEqual({ queue: name, id: name });
});

it("matches no path of another shape, none without a name, and none that is not well encoded", () => {
  expect(matchPath("/queues", "/queues/low")).toBeUndefined();
  expect(matchPath("/queues/{queue}", "/queues/")).toBeUndefined();
  expect(matchPath("/queues/{queue}", "/servers/low")).toBeUndefined();
  expect(matchPath("/queues/{queue}", "/queues/%E0%A4%A")).toBeUndefined();
});

it("leaves out of an address what has no value", () => {
  expect(withSearch("/tasks", { filter: "", page: null, sort: undefined })).toBe("/tasks");
  expect(withSearch("/tasks", { filter: "a&b", page: 2 })).toBe("/tasks?filter=a%26b&page=2");
});

it("writes the path of a route with its names and its query", () => {
  const params = { queue: "a/b", id: "$&" };
  expect(routePath("GET /api/queues/{queue}/tasks/{id}", params)).toBe("api/queues/a%2Fb/tasks/%24%26");
  expect(routePath("GET /api/tasks", {}, { filter: "x y", cursor: undefined, limit: 5 })).toBe(
    "api/tasks?filter=x+y&limit=5",
  );
});
