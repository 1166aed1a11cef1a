// axe-core in the page, through the debugger so that the page's policy stays as it is.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
    id: string;
    help: string;
    nodes: { html: string; failureSummary?: string }[];
}

/** Fails if axe finds anything on what is on screen now, in light and in dark. */
export async function assertAccessible(page: Page, screen: string): Promise<void> {
    for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.evaluate(source);
        const violations = await page.evaluate(async () => {
            const axe = (globalThis as unknown as { axe: { run(where: object, options: object): Promise<{ violations: Violation[] }> } }).axe;
            // React Aria's own announcer keeps what it said for some seconds after the element it named is gone.
            const result = await axe.run({ exclude: ["[data-live-announcer]"] }, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
            return result.violations;
        });
        const report = violations.map((one) => `${one.id}: ${one.help}\n${one.nodes.map((node) => `  ${node.html.slice(0, 200)}\n  ${node.failureSummary ?? ""}`).join("\n")}`);
        assert.equal(violations.length, 0, `${screen} (${colorScheme}):\n${report.join("\n")}`);
    }
}
