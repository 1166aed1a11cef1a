// A device without a browser shows a code; its user types it here.
import { useState } from "react";
import { Form } from "react-aria-components";
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT } from "../../app/i18n.tsx";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Field } from "../../ui/Field.tsx";
import { LinkVm } from "../../vm/account-pages-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { Consent } from "./Consent.tsx";
import { PageSignIn } from "./PageSignIn.tsx";

export function LinkPage({ query }: { query: string }) {
    const t = useT();
    const model = useOwnModel(() => new LinkVm());
    const { userId, question, decided, busy, error } = useSnapshot(model);
    const [code, setCode] = useState(() => (new URLSearchParams(query).get("user_code") ?? "").slice(0, 20));
    if (decided) {
        const allowed = decided === "allowed";
        return (
            <CenterPage
                title={t(allowed ? "oauth_link_allowed_title" : "oauth_link_refused_title")}
                lead={t(allowed ? "oauth_link_allowed_text" : "oauth_link_refused_text")}
                focusTitle
            >
                {null}
            </CenterPage>
        );
    }
    if (userId === null) return <PageSignIn model={model} query={query} />;
    if (question) return <Consent question={question} userId={userId} busy={busy} error={error} onDecide={(allow) => void model.decide(allow)} />;
    return (
        <CenterPage title={t("oauth_link_title")} lead={t("oauth_link_lead")} focusTitle>
            <Form
                className="form"
                validationBehavior="aria"
                onSubmit={(event) => {
                    event.preventDefault();
                    void model.enter(code);
                }}
            >
                <Field
                    label={t("oauth_link_code")}
                    help={t("oauth_link_code_help")}
                    value={code}
                    onChange={(typed) => setCode(typed.toUpperCase())}
                    autoComplete="one-time-code"
                    error={error ? t(error) : undefined}
                    code
                    autoFocus
                />
                <Button type="submit" block isPending={busy} isDisabled={code.trim() === ""}>
                    {t("continue")}
                </Button>
            </Form>
            <Alert tone="warning">{t("oauth_consent_warning")}</Alert>
        </CenterPage>
    );
}
