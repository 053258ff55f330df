// Validates an AsyncAPI document with the AsyncAPI initiative's own parser: `node check.js FILE`.
// Prints each finding with its place; ends with 1 where one is an error or a warning.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const file = process.argv[2];
const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf-8"), { source: file });
const severities = ["error", "warning", "info", "hint"];
for (const found of diagnostics) {
  console.error(`${file}:${found.range.start.line + 1}: ${severities[found.severity]}: ${found.message} (${found.path.join(".")})`);
}
const failed = !document || diagnostics.some((found) => found.severity < 2);
if (!failed) {
  const count = (collection) => document[collection]().all().length;
  console.log(`${file}: valid AsyncAPI ${document.version()}, ${count("channels")} channels, ${count("operations")} operations, ${count("messages")} messages`);
}
process.exit(failed ? 1 : 0);
