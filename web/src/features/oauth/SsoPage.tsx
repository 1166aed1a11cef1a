// A program that doesn't know OAuth 2.0 sends its user here. Nobody vouches for it, so the page names where people will be sent.
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT } from "../../app/i18n.tsx";
import type { Leads } from "../../matrix/account-pages.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import { SsoVm } from "../../vm/account-pages-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { LeadsCard } from "./LeadsCard.tsx";
import { PageSignIn } from "./PageSignIn.tsx";

const leave = (address: string) => globalThis.location.replace(address);

export function SsoPage({ query }: { query: string }) {
    const t = useT();
    const model = useOwnModel(() => new SsoVm(query, leave));
    const { phase, leads, redirectTo, userId } = useSnapshot(model);
    switch (phase) {
        case "checking":
            return (
                <main className="splash">
                    <Spinner label={t("loading")} size={36} />
                </main>
            );
        case "unreachable":
            return (
                <CenterPage title={t("unreachable_title")} lead={t("unreachable_text")}>
                    <Button block onPress={() => void model.check()}>
                        {t("try_again")}
                    </Button>
                </CenterPage>
            );
        case "refused":
            return (
                <CenterPage title={t("oauth_refused_title")} lead={t("oauth_refused_text")}>
                    {null}
                </CenterPage>
            );
        case "declined":
            return (
                <CenterPage title={t("oauth_link_refused_title")} lead={t("sso_declined_text")} focusTitle>
                    {null}
                </CenterPage>
            );
        case "leaving":
            return (
                <CenterPage title={t("oauth_leaving_title")} lead={t("oauth_leaving_text")} focusTitle>
                    <Button block onPress={() => redirectTo && leave(redirectTo)}>
                        {t("oauth_leaving_go")}
                    </Button>
                </CenterPage>
            );
        case "asking":
            if (!leads) return null;
            if (userId === null) return <PageSignIn model={model} query={query} leads={leads} />;
            return <SsoConsent model={model} leads={leads} userId={userId} />;
    }
}

function SsoConsent({ model, leads, userId }: { model: SsoVm; leads: Leads; userId: string }) {
    const t = useT();
    const { busy, error } = useSnapshot(model);
    return (
        <CenterPage title={t("oauth_consent_title")} lead={t("sso_consent_lead")} focusTitle>
            <LeadsCard leads={leads} />
            <dl className="facts">
                <dt>{t("oauth_consent_account")}</dt>
                <dd>{userId}</dd>
            </dl>
            <p>{t("sso_consent_text")}</p>
            <Alert tone="warning">{t("oauth_consent_warning")}</Alert>
            {error && <Alert tone="danger">{t(error)}</Alert>}
            <Button block isPending={busy} onPress={() => void model.decide(true)}>
                {t("oauth_allow")}
            </Button>
            <Button look="secondary" block isDisabled={busy} onPress={() => void model.decide(false)}>
                {t("oauth_refuse")}
            </Button>
        </CenterPage>
    );
}
