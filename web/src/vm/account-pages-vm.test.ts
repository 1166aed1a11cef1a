import { describe, expect, it } from "vitest";
import { accountPage } from "../app/route.ts";
import { accountAction, proposedUserName } from "./account-pages-vm.ts";

describe("the account page", () => {
    it("knows what its address asks for, by new and old names", () => {
        expect(accountAction("?action=org.matrix.devices_list")).toEqual({ action: "devices", deviceId: null });
        expect(accountAction("?action=org.matrix.session_end&device_id=AB%2BC")).toEqual({ action: "removeDevice", deviceId: "AB+C" });
        expect(accountAction("?action=org.matrix.cross_signing_reset").action).toBe("resetIdentity");
    });

    it("shows all devices when none is named, and the whole account for what it doesn't know", () => {
        expect(accountAction("?action=org.matrix.device_delete").action).toBe("devices");
        expect(accountAction("?action=constructor").action).toBe("all");
        expect(accountAction("").action).toBe("all");
    });
});

describe("pages of their own", () => {
    it("are told from places inside the client", () => {
        expect(["/oauth2/authorize", "/oauth2/link", "/oauth2/sso", "/account/", "/", "/oauth2/authorize/x", "/accounts"].map(accountPage)).toEqual([
            "authorize",
            "link",
            "sso",
            "account",
            null,
            null,
            null,
        ]);
    });

    it("take a proposed user name", () => {
        expect(proposedUserName("?login_hint=mxid%3A%40mara%3Aamt.example")).toBe("@mara:amt.example");
        expect(proposedUserName("?x=1")).toBe("");
    });
});
