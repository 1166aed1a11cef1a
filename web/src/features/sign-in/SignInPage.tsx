// Sign in with user name and password.
import { useState } from "react";
import { Form } from "react-aria-components";
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT } from "../../app/i18n.tsx";
import type { About } from "../../matrix/server.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Field, PasswordField } from "../../ui/Field.tsx";
import type { AppVm } from "../../vm/app-vm.ts";
import { SignInVm } from "../../vm/sign-in-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { RegistrationPage } from "./RegistrationPage.tsx";

export function SignInPage({ app, about, endedElsewhere }: { app: AppVm; about: About; endedElsewhere: boolean }) {
    const t = useT();
    const model = useOwnModel(() => new SignInVm(app));
    const { busy, error } = useSnapshot(model);
    const [userName, setUserName] = useState("");
    const [password, setPassword] = useState("");
    const [registering, setRegistering] = useState(false);
    if (registering) return <RegistrationPage app={app} about={about} token={null} onBack={() => setRegistering(false)} />;
    return (
        <CenterPage title={t("sign_in_title")} lead={t("sign_in_lead", { server: about.server_name })} foot={t("sign_in_foot")}>
            {endedElsewhere && <Alert tone="info">{t("sign_in_ended_elsewhere")}</Alert>}
            <Form
                className="form"
                validationBehavior="aria"
                onSubmit={(event) => {
                    event.preventDefault();
                    void model.submit(userName, password);
                }}
            >
                <Field label={t("user_name")} value={userName} onChange={setUserName} autoComplete="username" code autoFocus />
                <PasswordField label={t("password")} value={password} onChange={setPassword} autoComplete="current-password" />
                {error && <Alert tone="danger">{t(error)}</Alert>}
                <Button type="submit" block isPending={busy}>
                    {t(busy ? "sign_in_busy" : "sign_in")}
                </Button>
            </Form>
            {about.registration === "open" ? (
                <Button look="tertiary" block onPress={() => setRegistering(true)}>
                    {t("register_open")}
                </Button>
            ) : (
                <p className="hint">{t(about.registration === "invite" ? "sign_in_need_invitation" : "sign_in_need_account")}</p>
            )}
        </CenterPage>
    );
}
