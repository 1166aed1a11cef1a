// Programs that know m.login.sso only, and accounts that are made on the page that a program sent somebody to.
import { strict as assert } from "node:assert";
import { createClient, OAuth2 } from "matrix-js-sdk";
import { assertAccessible } from "./axe.ts";
import { scenario } from "./lab.ts";
import { PASSWORD, type Person } from "./person.ts";

const PHONE = { width: 360, height: 720 };

/** Where such a program sends its user. */
const sso = (serverUrl: string, redirectUrl: string, more = "") =>
    `${serverUrl}/_matrix/client/v3/login/sso/redirect?redirectUrl=${encodeURIComponent(redirectUrl)}${more}`;

async function signInToPage(person: Person, userName: string): Promise<void> {
    await person.field("user_name").fill(userName);
    await person.field("password").fill(PASSWORD);
    await person.button("sign_in").click();
}

/** By the keyboard alone: on with the tabulator to the button, and then the enter key. */
async function press(person: Person, id: string): Promise<void> {
    const button = person.button(id);
    await button.waitFor();
    for (let steps = 0; steps < 20; steps += 1) {
        if (await button.evaluate((element) => element === document.activeElement)) {
            await person.page.keyboard.press("Enter");
            return;
        }
        await person.page.keyboard.press("Tab");
    }
    assert.fail(`${id} is not reached by the keyboard`);
}

scenario("an older program sends its user to the page and gets them back with a token", async ({ server, open }) => {
    const anna = await open();
    await anna.accept(await server.oneTimeLink(), "Anna Albrecht");
    const client = createClient({ baseUrl: server.url });
    const { flows } = await client.loginFlows();
    assert.ok(flows.some((flow) => flow.type === "m.login.sso"));
    const host = new URL(server.url).host;

    for (const language of ["de", "en"] as const) {
        const person = await open({ language });
        await person.page.goto(sso(server.url, `${server.url}/callback?x=1&loginToken=old#/welcome`));
        // People see before the password where they will be sent.
        await person.page.getByText(host, { exact: true }).waitFor();
        await assertAccessible(person.page, "sign-in for an older program");
        await signInToPage(person, "anna.albrecht");
        await person.page.getByRole("heading", { name: person.t("oauth_consent_title") }).waitFor();
        await person.page.getByText(person.t("sso_target_program")).waitFor();
        await person.page.getByText(host, { exact: true }).waitFor();
        await assertAccessible(person.page, "consent for an older program");
        await person.page.setViewportSize(PHONE);
        await assertAccessible(person.page, "consent for an older program on a phone");
        await press(person, "oauth_allow");
        await person.page.waitForURL(/\/callback\?/);
        const back = new URL(person.page.url());
        assert.deepEqual([back.searchParams.get("x"), back.hash], ["1", "#/welcome"]);
        const sent = back.searchParams.getAll("loginToken");
        assert.equal(sent.length, 1);
        const token = sent[0] ?? "";
        const who = await client.loginRequest({ type: "m.login.token", token });
        assert.equal(who.user_id, "@anna.albrecht:localhost");
        await assert.rejects(client.loginRequest({ type: "m.login.token", token }), { errcode: "M_FORBIDDEN" });
    }

    // A program on a telephone is opened by a scheme of its own; the page stays where no such program is.
    const phone = await open({ viewport: PHONE });
    await phone.page.goto(sso(server.url, "im.fluffychat://login"));
    await signInToPage(phone, "anna.albrecht");
    await phone.page.getByText("im.fluffychat:", { exact: true }).waitFor();
    await press(phone, "oauth_allow");
    await phone.page.getByRole("heading", { name: phone.t("oauth_leaving_title") }).waitFor();

    // Who refuses stays here, and no token was made.
    const wary = await open();
    await wary.page.goto(sso(server.url, "https://client.example/"));
    await signInToPage(wary, "anna.albrecht");
    await wary.page.getByText("client.example", { exact: true }).waitFor();
    await press(wary, "oauth_refuse");
    await wary.page.getByText(wary.t("sso_declined_text")).waitFor();
    assert.ok(wary.page.url().startsWith(`${server.url}/oauth2/sso`));
});

scenario("nobody is led by the page to what isn't named on it", async ({ server, open }) => {
    const person = await open();
    for (const evil of ["javascript:alert(1)", "//evil.example/", "https://a.test@evil.example/", "data:text/html,x", ""]) {
        assert.equal((await fetch(sso(server.url, evil), { redirect: "manual" })).status, 400, evil);
        await person.page.goto(`${server.url}/oauth2/sso?redirectUrl=${encodeURIComponent(evil)}`);
        await person.page.getByRole("heading", { name: person.t("oauth_refused_title") }).waitFor();
    }
});

scenario("who has no account makes one on the page and is led on", async ({ server, open }) => {
    const anna = await open();
    await anna.accept(await server.oneTimeLink(), "Anna Albrecht");
    const link = await anna.makeInvitationLink();
    const metadata = await createClient({ baseUrl: server.url }).getAuthMetadata();
    assert.ok(metadata.prompt_values_supported?.includes("create"));
    const clientId = await OAuth2.registerClient(metadata, {
        client_name: "Notizbuch",
        client_uri: "https://notizbuch.example/",
        application_type: "native",
        redirect_uris: ["http://127.0.0.1/callback"],
    });
    const notebook = new OAuth2(metadata, { clientId, deviceId: "NOTIZBUCH1" });
    const redirect = `${server.url}/callback`;
    const address = await notebook.generateAuthorizationCodeGrantUrl("Zustand", redirect);

    const berta = await open();
    await berta.page.goto(`${address}&prompt=create`);
    await berta.page.getByRole("heading", { name: berta.t("register_open") }).waitFor();
    await assertAccessible(berta.page, "an account for a program");
    await berta.field("display_name").fill("Berta Blau");
    await berta.field("password").fill(PASSWORD);
    await berta.field("register_password_again").fill(PASSWORD);
    await berta.button("register_submit").click();
    await berta.page.getByText(berta.t("page_register_invitation_missing")).waitFor();
    await berta.field("page_register_invitation").fill("falsch");
    await berta.button("register_submit").click();
    await berta.page.getByText(berta.t("error_invitation_refused")).waitFor();
    await berta.field("page_register_invitation").fill(link);
    await berta.page.setViewportSize(PHONE);
    await assertAccessible(berta.page, "an account for a program on a phone");
    await berta.button("register_submit").click();
    await berta.page.getByText("@berta.blau:localhost").waitFor();
    await berta.button("oauth_allow").click();
    await berta.page.waitForURL(/\/callback#/);
    const code = new URLSearchParams(new URL(berta.page.url()).hash.slice(1)).get("code") ?? "";
    const tokens = await notebook.completeAuthorizationCodeGrant(code, redirect);
    const her = createClient({ baseUrl: server.url, accessToken: tokens.access_token });
    assert.equal((await her.whoami()).user_id, "@berta.blau:localhost");
    assert.equal((await her.getProfileInfo("@berta.blau:localhost")).displayname, "Berta Blau");

    // Older programs ask for it in their own words; and people who have an account go on with that.
    const again = await open();
    await again.page.goto(sso(server.url, "https://client.example/", "&action=register"));
    await again.page.getByRole("heading", { name: again.t("register_open") }).waitFor();
    await again.button("register_have_account").click();
    await again.field("user_name").waitFor();
});
