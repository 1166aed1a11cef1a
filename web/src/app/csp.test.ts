// The page's policy is in csp.txt; the server sends it word for word. This holds it to what the client really needs.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const WEB = join(import.meta.dirname, "../..");
const policy = readFileSync(join(WEB, "csp.txt"), "utf8").trim();
const directives = new Map(policy.split(";").map((part) => part.trim()).map((part) => [part.split(" ", 1)[0] ?? "", part.split(" ").slice(1)]));

/** React Aria puts two style elements into the page; their text is fixed per version. */
function injectedStyles(): string[] {
    const aria = join(WEB, "node_modules/react-aria/dist/private");
    const press = readFileSync(join(aria, "interactions/usePress.mjs"), "utf8");
    const scroll = readFileSync(join(aria, "overlays/usePreventScroll.mjs"), "utf8");
    const attribute = /PRESSABLE_ATTRIBUTE = '([^']+)'/.exec(press)?.[1] ?? "";
    return [press, scroll].map((code) => {
        const text = /style\.textContent = `([^`]*)`\.trim\(\)/.exec(code)?.[1];
        if (text === undefined) throw new Error("React Aria injects its style in another way than known");
        return text.replace(/\$\{[^}]*PRESSABLE_ATTRIBUTE\}/, attribute).trim();
    });
}

describe("the page's policy", () => {
    it("is one line", () => expect(policy).not.toContain("\n"));

    it("allows exactly the styles that React Aria injects", () => {
        const hashes = injectedStyles().map((style) => `'sha256-${createHash("sha256").update(style).digest("base64")}'`);
        expect(directives.get("style-src")).toEqual(["'self'", ...hashes]);
    });

    it("forbids what isn't named, and scripts by strings", () => {
        expect(directives.get("default-src")).toEqual(["'none'"]);
        expect(directives.get("script-src")).toEqual(["'self'", "'wasm-unsafe-eval'"]);
        expect(directives.get("require-trusted-types-for")).toEqual(["'script'"]);
        expect(directives.get("frame-ancestors")).toEqual(["'none'"]);
        expect(directives.get("base-uri")).toEqual(["'none'"]);
    });

    it("lets nothing be fetched from elsewhere", () => {
        for (const [name, sources] of directives) {
            for (const source of sources) expect(source, name).not.toMatch(/^(\*|https?:|wss?:)/);
        }
        expect(directives.get("connect-src")).toEqual(["'self'"]);
    });

    it("is not undermined by the page", () => {
        const page = readFileSync(join(WEB, "index.html"), "utf8");
        expect(page).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|https?:\/\//);
    });
});
