import { describe, expect, it } from "vitest";
import { splitLinks } from "./links.ts";

const links = (text: string) => splitLinks(text).flatMap((part) => (part.link ? [part.text] : []));

describe("web addresses in text", () => {
    it.each([
        ["Siehe https://amt.example/a.", ["https://amt.example/a"]],
        ["(https://amt.example/a_(b))", ["https://amt.example/a_(b)"]],
        ["http://a.example, https://b.example!", ["http://a.example", "https://b.example"]],
        ["javascript:alert(1)", []],
        ["kein Link", []],
        ["https://", []],
    ])("%s", (text, expected) => expect(links(text)).toEqual(expected));

    it("loses no character", () => {
        const text = "Vorher https://amt.example/x?y=1#z, dann (https://b.example) Schluss.";
        expect(splitLinks(text).map((part) => part.text).join("")).toBe(text);
    });
});
