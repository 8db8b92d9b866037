/** Checks that modules import each other in one direction, and that each export has an importer. */

import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";

/** From top to bottom: a feature imports only features below it. */
const FEATURES = [
  "workspace",
  "account",
  "admin",
  "chat",
  "usage",
  "tools",
  "calls",
  "sessions",
  "memory",
  "models",
  "preferences",
  "auth",
];

/** From top to bottom: a folder imports only itself and folders below it. */
const FOLDERS = ["app", "features", "components", "lib", "messages"];

const IMPORT = /(?:import|export)\s(?:[^;"]*?\sfrom\s)?"(?:@\/|(?=\.))([^"]+)"/g;
const EXPORT = /^export (?:async )?(?:const|function|class|interface|type) (\w+)/gm;

const root = fileURLToPath(new URL("../", import.meta.url));
const files = FOLDERS.flatMap((folder) =>
  readdirSync(posix.join(root, folder), { recursive: true }).map((file) => posix.join(folder, file)),
).filter((file) => /\.tsx?$/.test(file));
const sources = new Map(files.map((file) => [file, readFileSync(posix.join(root, file), "utf8")]));
const problems = [];

for (const [file, source] of sources) {
  for (const [, module] of source.matchAll(IMPORT)) {
    const imported = module.startsWith(".") ? posix.join(posix.dirname(file), module) : module;
    if (isUpward(file, imported)) problems.push(`${file} imports ${imported}, which is above it`);
  }
}

for (const [file, source] of sources) {
  if (file.startsWith("app/") || file.startsWith("components/ui/") || file.endsWith(".d.ts")) continue;
  for (const [, name] of source.matchAll(EXPORT)) {
    const word = new RegExp(`\\b${name}\\b`);
    const used = [...sources].some(([other, text]) => other !== file && word.test(text));
    if (!used) problems.push(`${file} exports ${name}, which no other file imports`);
  }
}

if (problems.length) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`Checked the imports of ${files.length} files.`);

function isUpward(file, imported) {
  const [folder, feature] = file.split("/");
  const [other, otherFeature] = imported.split("/");
  if (folder !== other) return FOLDERS.indexOf(folder) > FOLDERS.indexOf(other);
  if (folder !== "features" || feature === otherFeature) return false;
  return FEATURES.indexOf(feature) >= FEATURES.indexOf(otherFeature);
}
