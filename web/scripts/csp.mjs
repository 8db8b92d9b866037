/** Writes out/csp.txt: a Content-Security-Policy that allows the export's own inline scripts, by their hashes. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const out = fileURLToPath(new URL("../out/", import.meta.url));
const SCRIPT = /<script\b([^>]*)>([\s\S]*?)<\/script>/gi;

function inlineScripts(html) {
  return [...html.matchAll(SCRIPT)].filter(([, attributes]) => !/\ssrc=/i.test(attributes)).map(([, , text]) => text);
}

const pages = readdirSync(out, { recursive: true }).filter((path) => path.endsWith(".html"));
const scripts = pages.flatMap((path) => inlineScripts(readFileSync(join(out, path), "utf8")));
const hashes = scripts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);

const policy = [
  "default-src 'self'",
  `script-src 'self' ${[...new Set(hashes)].sort().join(" ")}`,
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "object-src 'none'",
];

writeFileSync(join(out, "csp.txt"), `${policy.join("; ")}\n`);
console.log(`csp.txt: ${new Set(hashes).size} inline scripts in ${pages.length} pages`);
