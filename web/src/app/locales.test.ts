import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import de from "../../locales/de.json";
import en from "../../locales/en.json";

const LOCALES = { de, en } as const;
const SOURCE = join(import.meta.dirname, "..");

/** The names a message takes, whatever their order; plural branches may repeat them. */
function placeholders(message: string): string[] {
    const names = [...message.matchAll(/\{\s*(\w+)\s*(?:,|\})/g)].map((match) => match[1] ?? "");
    return [...new Set(names)].toSorted();
}

const source = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(SOURCE, name), "utf8"))
    .join("\n");

describe("locales", () => {
    it("have the same keys in the same order", () => {
        expect(Object.keys(en)).toEqual(Object.keys(de));
    });

    it.each(Object.keys(de) as (keyof typeof de)[])("%s takes the same values in both languages", (key) => {
        expect(placeholders(en[key])).toEqual(placeholders(de[key]));
    });

    it("hold no text that nobody shows", () => {
        const unused = Object.keys(de).filter((key) => !key.startsWith("sas_") && !source.includes(`"${key}"`));
        expect(unused).toEqual([]);
    });

    it.each(Object.entries(LOCALES))("%s speaks plainly", (_language, messages) => {
        // Words that nobody should have to know, and the familiar form of address.
        const jargon = /cross-?signing|\bsessions?\b|sitzung|megolm|homeserver|heimserver|secure backup|\b(du|dein|deine|deinen|dir|dich)\b/i;
        const found = Object.entries(messages).filter(([, text]) => jargon.test(text));
        expect(found).toEqual([]);
    });

    it("name all 64 pictures of the comparison", () => {
        expect(Object.keys(de).filter((key) => key.startsWith("sas_"))).toHaveLength(64);
    });
});
