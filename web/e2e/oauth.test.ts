// Other programs sign people in over the server's own pages, with the functions that matrix-js-sdk has for it.
import { strict as assert } from "node:assert";
import { createClient, OAuth2 } from "matrix-js-sdk";
import { assertAccessible } from "./axe.ts";
import { scenario } from "./lab.ts";
import { PASSWORD, type Person } from "./person.ts";

const PHONE = { width: 360, height: 720 };

/** A program that registered itself with the server. */
async function program(serverUrl: string, deviceId: string): Promise<OAuth2> {
    const metadata = await createClient({ baseUrl: serverUrl }).getAuthMetadata();
    const clientId = await OAuth2.registerClient(metadata, {
        client_name: "Notizbuch",
        client_uri: "https://notizbuch.example/",
        policy_uri: "https://notizbuch.example/datenschutz",
        application_type: "native",
        redirect_uris: ["http://127.0.0.1/callback"],
    });
    return new OAuth2(metadata, { clientId, deviceId });
}

async function signInToPage(person: Person, userName: string): Promise<void> {
    await person.field("user_name").fill(userName);
    await person.field("password").fill(PASSWORD);
    await person.button("sign_in").click();
}

const whoAmI = (baseUrl: string, accessToken: string) => createClient({ baseUrl, accessToken }).whoami();

scenario("a program signs its user in over the pages of the server", async ({ server, open }) => {
    const anna = await open();
    await anna.accept(await server.oneTimeLink(), "Anna Albrecht");
    const notebook = await program(server.url, "NOTIZBUCH1");
    // A port of its own, as a program listens on; here the one that is open anyway.
    const redirect = `${server.url}/callback`;
    const address = await notebook.generateAuthorizationCodeGrantUrl("mein Zustand", redirect);

    const second = await open();
    await second.page.goto(address);
    await second.page.getByText("notizbuch.example").waitFor();
    await assertAccessible(second.page, "sign-in for a program");
    await second.field("user_name").fill("anna.albrecht");
    await second.field("password").fill("falsch geraten");
    await second.button("sign_in").click();
    await second.page.getByText(second.t("error_wrong_password")).waitFor();
    await signInToPage(second, "anna.albrecht");
    await second.page.getByRole("heading", { name: second.t("oauth_consent_title") }).waitFor();
    await second.page.getByText("@anna.albrecht:localhost").waitFor();
    await assertAccessible(second.page, "consent");
    await second.page.setViewportSize(PHONE);
    await assertAccessible(second.page, "consent on a phone");
    await second.button("oauth_allow").click();
    await second.page.waitForURL(/\/callback#/);
    const answer = new URLSearchParams(new URL(second.page.url()).hash.slice(1));
    assert.equal(answer.get("state"), "mein Zustand");
    assert.equal(answer.get("iss"), notebook.metadata.issuer);

    const tokens = await notebook.completeAuthorizationCodeGrant(answer.get("code") ?? "", redirect);
    const who = await whoAmI(server.url, tokens.access_token);
    assert.deepEqual([who.user_id, who.device_id], ["@anna.albrecht:localhost", "NOTIZBUCH1"]);
    const fresh = await notebook.performRefreshTokenGrant(tokens.refresh_token ?? "");
    assert.equal((await whoAmI(server.url, fresh.access_token)).device_id, "NOTIZBUCH1");
    await notebook.revokeToken(fresh.access_token, "access_token");
    await assert.rejects(whoAmI(server.url, fresh.access_token), { errcode: "M_UNKNOWN_TOKEN" });

    // Who refuses is sent back as well.
    const third = await open();
    await third.page.goto(await notebook.generateAuthorizationCodeGrantUrl("anders", redirect, "query"));
    await signInToPage(third, "anna.albrecht");
    await third.button("oauth_refuse").click();
    await third.page.waitForURL(/\/callback\?.*error=access_denied/);

    // A foreign address leads nowhere.
    const fourth = await open();
    await fourth.page.goto(address.replace(encodeURIComponent(redirect), encodeURIComponent("https://evil.example/")));
    await fourth.page.getByRole("heading", { name: fourth.t("oauth_refused_title") }).waitFor();
});

scenario("a device that shows a code is let in, and signed out on the account page", async ({ server, open }) => {
    const anna = await open();
    await anna.accept(await server.oneTimeLink(), "Anna Albrecht");
    const display = await program(server.url, "ANZEIGE1");
    const begun = await display.startDeviceAuthorizationGrant();
    const waiting = display.waitForDeviceAuthorizationGrant(begun);

    const phone = await open({ viewport: PHONE });
    await phone.page.goto(begun.verification_uri);
    await signInToPage(phone, "anna.albrecht");
    await phone.field("oauth_link_code").fill("BCDF-GHJK");
    await phone.button("continue").click();
    await phone.page.getByText(phone.t("oauth_link_unknown")).waitFor();
    await assertAccessible(phone.page, "code of a device");
    await phone.field("oauth_link_code").fill(begun.user_code.toLowerCase());
    await phone.button("continue").click();
    await phone.page.getByText("ANZEIGE1").waitFor();
    await phone.button("oauth_allow").click();
    await phone.page.getByRole("heading", { name: phone.t("oauth_link_allowed_title") }).waitFor();
    const tokens = await waiting;
    assert.ok("access_token" in tokens, JSON.stringify(tokens));
    assert.equal((await whoAmI(server.url, tokens.access_token)).device_id, "ANZEIGE1");

    const page = await open({ viewport: PHONE });
    await page.page.goto(`${display.metadata.account_management_uri}?action=org.matrix.device_delete&device_id=ANZEIGE1`);
    await signInToPage(page, "anna.albrecht");
    await page.page.getByRole("alertdialog").waitFor();
    await assertAccessible(page.page, "signing a device out");
    await page.page.getByRole("alertdialog").getByRole("button", { name: page.t("sign_out"), exact: true }).click();
    await page.page.getByText(page.t("oauth_device_gone")).waitFor();
    await page.button("oauth_account_all").click();
    await page.field("display_name").fill("Anna Berger");
    await page.button("save").click();
    await page.page.getByText(page.t("saved")).waitFor();
    await assertAccessible(page.page, "account page");
    await assert.rejects(whoAmI(server.url, tokens.access_token), { errcode: "M_UNKNOWN_TOKEN" });
});
