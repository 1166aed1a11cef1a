import { describe, expect, it } from "vitest";
import { checkForm, proposeUserName } from "./sign-in-vm.ts";

describe("proposed user name", () => {
    it.each([
        ["Mara Lindholm", "mara.lindholm"],
        ["Dr. Jürgen von der Heide", "juergen.heide"],
        ["Ayşe Öztürk", "ayse.oeztuerk"],
        ["Groß", "gross"],
        ["", ""],
    ])("%s", (name, proposal) => expect(proposeUserName(name)).toBe(proposal));
});

describe("registration form", () => {
    const good = { displayName: "Mara", userName: "mara", password: "zwölf Zeichen", repeated: "zwölf Zeichen" };
    it("lets a complete form pass", () => expect(checkForm(good, 12)).toEqual({}));
    it.each([
        ["displayName", { displayName: "  " }],
        ["userName", { userName: "Mara L" }],
        ["userName", { userName: "" }],
        ["password", { password: "kurz", repeated: "kurz" }],
        ["repeated", { repeated: "anders als oben" }],
    ] as const)("names the field that is wrong: %s", (field, change) => {
        expect(Object.keys(checkForm({ ...good, ...change }, 12))).toEqual([field]);
    });
    it("counts characters, not code units", () => {
        expect(checkForm({ ...good, password: "🙂🙂🙂", repeated: "🙂🙂🙂" }, 6)).toHaveProperty("password");
    });
});
