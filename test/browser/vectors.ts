/** Braces mark the slot of a Redis Cluster: no queue or group has them. */
export const unbraced = (text: string) => text.replaceAll(/[{}]/g, "|");
const XSS = "window.__xss=1";

const HANDLERS = [
  "onerror",
  "onload",
  "onclick",
  "onfocus autofocus",
  "onmouseover",
  "ontoggle",
  "onanimationstart",
];
const ELEMENTS = ["img src=x", "svg", "video src=x", "details open", "input", "body", "iframe src=x"];

/** Texts that would run a script, were they ever taken for something other than text. */
export const VECTORS: readonly string[] = [
  ...ELEMENTS.flatMap((element) => HANDLERS.map((handler) => `<${element} ${handler}=${XSS}>`)),
  `<script>${XSS}</script>`,
  `</script><script>${XSS}</script>`,
  `"><svg/onload=${XSS}>`,
  `'><img src=x onerror='${XSS}'>`,
  `javascript:${XSS}`,
  `JaVaScRiPt:${XSS}//`,
  `java\tscript:${XSS}`,
  `data:text/html,<script>${XSS}</script>`,
  `{{constructor.constructor('${XSS}')()}}`,
  `\${${XSS}}`,
  `<%= ${XSS} %>`,
  `\u2028${XSS}\u2029`,
  `\u202e<img src=x onerror=${XSS}>\u2066`,
  `<!--><img src=x onerror=${XSS}>-->`,
  `<a href="javascript:${XSS}">x</a>`,
  `<style>@import 'http://127.0.0.1/x'</style>`,
  `<math><mtext></form><form><mglyph><style></math><img src onerror=${XSS}>`,
  `]]><img src=x onerror=${XSS}>`,
  `&lt;img src=x onerror=${XSS}&gt;`,
  "__proto__",
  "../../../etc/passwd",
];
