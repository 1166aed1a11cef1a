// Runs the tests of a folder one file after the other and ends with one line that says how it went.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

// An argument that ends with a slash is a folder beside this file; the others pick files by part of their name.
const isFolder = (argument: string): boolean => argument.endsWith("/");
const folder = join(import.meta.dirname, process.argv.slice(2).find(isFolder) ?? "");
const wanted = process.argv.slice(2).filter((argument) => !isFolder(argument));
const files = (await readdir(folder))
    .filter((name) => name.endsWith(".test.ts") && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
    .map((name) => join(folder, name))
    .toSorted();

let passed = 0;
let failed = 0;
const stream = run({ files, concurrency: 1, timeout: 300_000, forceExit: true });
// A file that breaks down as a whole counts as one failure.
const isTest = (data: { nesting: number; name: string; details: { type?: string } }) => data.details.type !== "suite";
stream.on("test:pass", (data) => isTest(data) && (passed += 1));
stream.on("test:fail", (data) => isTest(data) && (failed += 1));
const report = stream.compose(new spec());
for await (const chunk of report) process.stdout.write(String(chunk));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
