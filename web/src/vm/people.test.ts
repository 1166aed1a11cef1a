import { describe, expect, it } from "vitest";
import { colourOf, initials, localPart } from "./people.ts";

describe("initials", () => {
    it.each([
        ["Mara Lindholm", "ML"],
        ["Dr. Jürgen von der Heide", "DH"],
        ["mara", "M"],
        ["Öztürk, Ayşe", "ÖA"],
        ["Referat 12", "R1"],
        ["🙂 Anna", "A"],
        ["", "#"],
        ["!!!", "#"],
    ])("%s", (name, expected) => expect(initials(name)).toBe(expected));
});

describe("a person's colour", () => {
    it("is stable and within the palette", () => {
        for (const id of ["@a:x", "@b:x", "!room"]) {
            expect(colourOf(id)).toBe(colourOf(id));
            expect(colourOf(id)).toBeLessThan(8);
        }
    });
});

it("shows the local part of an id", () => {
    expect(localPart("@mara:amt.example")).toBe("mara");
});
