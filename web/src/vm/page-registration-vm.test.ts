import { describe, expect, it } from "vitest";
import type { About } from "../matrix/server.ts";
import { checkPageForm, invitationCode, wantsAccount } from "./page-registration-vm.ts";

const about = (registration: About["registration"]): About => ({
    server_name: "amt.example",
    registration,
    password_min_length: 8,
    encryption: "required",
});
const FORM = { displayName: "Anna", userName: "anna", password: "lang genug", repeated: "lang genug", invitation: "", email: "" };

describe("an account made on the page", () => {
    it("is what a program asks for in either way", () => {
        expect(wantsAccount("?client_id=x&prompt=create")).toBe(true);
        expect(wantsAccount("?prompt=login%20create")).toBe(true);
        expect(wantsAccount("?redirectUrl=x&action=register")).toBe(true);
        expect(wantsAccount("?prompt=created&action=login")).toBe(false);
        expect(wantsAccount("")).toBe(false);
    });

    it("takes an invitation as a link or as the code in it", () => {
        expect(invitationCode(" https://amt.example/#/invite/abc%2Dd ")).toBe("abc-d");
        expect(invitationCode(" abcd ")).toBe("abcd");
        expect(invitationCode("")).toBe("");
    });

    it("asks for what the server wants, and no more", () => {
        expect(checkPageForm(FORM, about("open"))).toEqual({});
        expect(Object.keys(checkPageForm(FORM, about("invite")))).toEqual(["invitation"]);
        expect(Object.keys(checkPageForm(FORM, about("email")))).toEqual(["email"]);
        expect(checkPageForm({ ...FORM, email: "anna@amt.example" }, about("email"))).toEqual({});
        expect(checkPageForm({ ...FORM, invitation: "abcd" }, about("email"))).toEqual({});
    });
});
