import { describe, expect, it } from "vitest";
import { nextStage, userNameFromInput } from "./sign-in.ts";

describe("stages of registration", () => {
    it("answers the invitation first and the dummy stage after it", () => {
        const flows = [{ stages: ["m.login.registration_token", "m.login.dummy"] }];
        expect(nextStage({ flows }, true)).toBe("m.login.registration_token");
        expect(nextStage({ flows, completed: ["m.login.registration_token"] }, true)).toBe("m.login.dummy");
    });

    it("does not answer an invitation stage without an invitation", () => {
        expect(nextStage({ flows: [{ stages: ["m.login.registration_token"] }] }, false)).toBeUndefined();
    });

    it("shows the invitation although it could do without", () => {
        const flows = [{ stages: ["m.login.dummy"] }, { stages: ["m.login.registration_token"] }];
        expect(nextStage({ flows }, true)).toBe("m.login.registration_token");
        expect(nextStage({ flows }, false)).toBe("m.login.dummy");
    });

    it("picks the flow it can finish", () => {
        const flows = [{ stages: ["m.login.recaptcha"] }, { stages: ["m.login.dummy"] }];
        expect(nextStage({ flows }, false)).toBe("m.login.dummy");
    });
});

describe("user name as typed", () => {
    it("takes what people paste", () => {
        expect(userNameFromInput(" mara ")).toBe("mara");
        expect(userNameFromInput("@mara")).toBe("mara");
        expect(userNameFromInput("@mara:amt.example")).toBe("@mara:amt.example");
    });
});
