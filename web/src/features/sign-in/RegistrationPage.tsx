// Making an account: with an invitation, or openly where the server allows it.
import { useState } from "react";
import { Form } from "react-aria-components";
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT } from "../../app/i18n.tsx";
import type { About } from "../../matrix/server.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Field, PasswordField } from "../../ui/Field.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import type { AppVm } from "../../vm/app-vm.ts";
import { proposeUserName, RegistrationVm, type RegistrationField } from "../../vm/sign-in-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";

interface Props {
    app: AppVm;
    about: About;
    token: string | null;
    onBack: () => void;
}

export function RegistrationPage({ app, about, token, onBack }: Props) {
    const t = useT();
    const model = useOwnModel(() => new RegistrationVm(app, about, token));
    const { invitation, busy, problems, error } = useSnapshot(model);
    const [form, setForm] = useState({ displayName: "", userName: "", password: "", repeated: "" });
    // The proposal follows the name until somebody writes a user name of their own.
    const [ownUserName, setOwnUserName] = useState(false);
    const problem = (field: RegistrationField): string | undefined => {
        const found = problems[field];
        return found && t(found.text, found.values);
    };
    if (invitation === null) {
        return (
            <main className="splash">
                <Spinner label={t("invitation_checking")} size={36} />
            </main>
        );
    }
    if (invitation !== "valid") {
        return (
            <CenterPage
                title={t(invitation === "invalid" ? "invitation_invalid_title" : "unreachable_title")}
                lead={t(invitation === "invalid" ? "invitation_invalid_text" : "unreachable_text")}
            >
                {invitation === "unreachable" && (
                    <Button block onPress={() => void model.check()}>
                        {t("try_again")}
                    </Button>
                )}
                <Button look="secondary" block onPress={onBack}>
                    {t("to_sign_in")}
                </Button>
            </CenterPage>
        );
    }
    return (
        <CenterPage title={t("register_title")} lead={t(token === null ? "register_lead_open" : "register_lead", { server: about.server_name })}>
            <Form
                className="form"
                validationBehavior="aria"
                onSubmit={(event) => {
                    event.preventDefault();
                    void model.submit(form);
                }}
            >
                <Field
                    label={t("display_name")}
                    help={t("display_name_help")}
                    value={form.displayName}
                    error={problem("displayName")}
                    autoComplete="name"
                    autoFocus
                    onChange={(displayName) =>
                        setForm({ ...form, displayName, userName: ownUserName ? form.userName : proposeUserName(displayName) })
                    }
                />
                <Field
                    label={t("user_name")}
                    help={t("register_user_help")}
                    value={form.userName}
                    error={problem("userName")}
                    autoComplete="username"
                    code
                    onChange={(userName) => {
                        setOwnUserName(userName !== "");
                        setForm({ ...form, userName: userName.toLocaleLowerCase("de") });
                    }}
                />
                <PasswordField
                    label={t("password")}
                    help={t("register_password_help", { min: about.password_min_length })}
                    value={form.password}
                    error={problem("password")}
                    autoComplete="new-password"
                    onChange={(password) => setForm({ ...form, password })}
                />
                <PasswordField
                    label={t("register_password_again")}
                    value={form.repeated}
                    error={problem("repeated")}
                    autoComplete="new-password"
                    onChange={(repeated) => setForm({ ...form, repeated })}
                />
                {error && <Alert tone="danger">{t(error)}</Alert>}
                <Button type="submit" block isPending={busy}>
                    {t(busy ? "register_busy" : "register_submit")}
                </Button>
            </Form>
            <Button look="tertiary" block onPress={onBack}>
                {t("register_have_account")}
            </Button>
        </CenterPage>
    );
}
