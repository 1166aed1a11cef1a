// A program sends its user here to sign in and to consent.
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT } from "../../app/i18n.tsx";
import { Button } from "../../ui/Button.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import { AuthorizeVm } from "../../vm/account-pages-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { Consent } from "./Consent.tsx";
import { PageSignIn } from "./PageSignIn.tsx";

const leave = (address: string) => globalThis.location.replace(address);

export function AuthorizePage({ query }: { query: string }) {
    const t = useT();
    const model = useOwnModel(() => new AuthorizeVm(query, leave));
    const { phase, question, redirectTo, userId, busy, error } = useSnapshot(model);
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
        case "leaving":
            return (
                <CenterPage title={t("oauth_leaving_title")} lead={t("oauth_leaving_text")} focusTitle>
                    <Button block onPress={() => redirectTo && leave(redirectTo)}>
                        {t("oauth_leaving_go")}
                    </Button>
                </CenterPage>
            );
        case "asking":
            if (!question) return null;
            if (userId === null) return <PageSignIn model={model} query={query} asker={question.client} />;
            return <Consent question={question} userId={userId} busy={busy} error={error} onDecide={(allow) => void model.decide(allow)} />;
    }
}
