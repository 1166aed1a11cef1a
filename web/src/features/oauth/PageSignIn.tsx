// The password, before anything on these pages is shown or decided.
import { useState } from "react";
import { Form } from "react-aria-components";
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT } from "../../app/i18n.tsx";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Field, PasswordField } from "../../ui/Field.tsx";
import { proposedUserName, type PageSnapshot, type PageVm } from "../../vm/account-pages-vm.ts";
import { useSnapshot } from "../../vm/view-model.ts";
import { wantsAccount } from "../../vm/page-registration-vm.ts";
import { AskerCard } from "./Consent.tsx";
import { LeadsCard } from "./LeadsCard.tsx";
import { PageRegistration } from "./PageRegistration.tsx";
import type { Asker, Leads } from "../../matrix/account-pages.ts";

interface Props<Snapshot extends PageSnapshot> {
    model: PageVm<Snapshot>;
    query: string;
    /** The program that sent people here, if it is known. */
    asker?: Asker | undefined;
    /** Where people are sent afterwards, if they are. */
    leads?: Leads | undefined;
}

export function PageSignIn<Snapshot extends PageSnapshot>({ model, query, asker, leads }: Props<Snapshot>) {
    const t = useT();
    const { busy, error, endedByTime } = useSnapshot<PageSnapshot>(model);
    const [userName, setUserName] = useState(() => proposedUserName(query));
    const [password, setPassword] = useState("");
    const [creating, setCreating] = useState(() => wantsAccount(query));
    if (creating) return <PageRegistration onCreated={model.created} onBack={() => setCreating(false)} />;
    return (
        <CenterPage title={t("sign_in_title")} lead={t("oauth_sign_in_lead", { server: globalThis.location.host })} foot={t("sign_in_foot")}>
            {asker && <AskerCard asker={asker} />}
            {leads && <LeadsCard leads={leads} />}
            {endedByTime && <Alert tone="info">{t("oauth_again")}</Alert>}
            <Form
                className="form"
                validationBehavior="aria"
                onSubmit={(event) => {
                    event.preventDefault();
                    void model.signIn(userName, password);
                }}
            >
                <Field label={t("user_name")} value={userName} onChange={setUserName} autoComplete="username" code autoFocus={userName === ""} />
                <PasswordField
                    label={t("password")}
                    value={password}
                    onChange={setPassword}
                    autoComplete="current-password"
                    autoFocus={userName !== ""}
                />
                {error && <Alert tone="danger">{t(error)}</Alert>}
                <Button type="submit" block isPending={busy}>
                    {t(busy ? "sign_in_busy" : "sign_in")}
                </Button>
            </Form>
        </CenterPage>
    );
}
