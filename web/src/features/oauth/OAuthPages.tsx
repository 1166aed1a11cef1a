// Which of the pages that other programs send people to.
import type { AccountPage as Page } from "../../app/route.ts";
import { AccountPage } from "./AccountPage.tsx";
import { AuthorizePage } from "./AuthorizePage.tsx";
import { LinkPage } from "./LinkPage.tsx";
import { SsoPage } from "./SsoPage.tsx";

export function OAuthPages({ page }: { page: Page }) {
    const { search } = globalThis.location;
    switch (page) {
        case "authorize":
            return <AuthorizePage query={search} />;
        case "sso":
            return <SsoPage query={search} />;
        case "link":
            return <LinkPage query={search} />;
        case "account":
            return <AccountPage query={search} />;
    }
}
