// An account, made on the page that a program sent somebody to.
import { useState } from "react";
import { Form } from "react-aria-components";
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT } from "../../app/i18n.tsx";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Field, PasswordField } from "../../ui/Field.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import { PageRegistrationVm, type PageRegistrationForm } from "../../vm/page-registration-vm.ts";
import { proposeUserName } from "../../vm/sign-in-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";

interface Props {
    onCreated: (userName: string, password: string, displayName: string) => Promise<void>;
    onBack: () => void;
}

const EMPTY: PageRegistrationForm = { displayName: "", userName: "", password: "", repeated: "", invitation: "", email: "" };

export function PageRegistration({ onCreated, onBack }: Props) {
    const t = useT();
    const model = useOwnModel(() => new PageRegistrationVm(onCreated));
    const { about, mailSent, busy, problems, error } = useSnapshot(model);
    const [form, setForm] = useState(EMPTY);
    const [ownUserName, setOwnUserName] = useState(false);
    const problem = (field: keyof PageRegistrationForm): string | undefined => {
        const found = problems[field];
        return found && t(found.text, found.values);
    };
    const back = (
        <Button look="tertiary" block onPress={onBack}>
            {t("register_have_account")}
        </Button>
    );
    if (about === null) {
        return (
            <CenterPage title={t("register_open")}>
                {error ? (
                    <>
                        <Alert tone="danger">{t(error)}</Alert>
                        <Button block onPress={() => void model.load()}>
                            {t("try_again")}
                        </Button>
                    </>
                ) : (
                    <Spinner label={t("loading")} />
                )}
            </CenterPage>
        );
    }
    if (about.registration === "closed") {
        return (
            <CenterPage title={t("register_open")} lead={t("error_registration_refused")} focusTitle>
                {back}
            </CenterPage>
        );
    }
    const byMail = about.registration === "email";
    return (
        <CenterPage title={t("register_open")} lead={t("register_lead_open", { server: about.server_name })} focusTitle>
            <Form
                className="form"
                validationBehavior="aria"
                onSubmit={(event) => {
                    event.preventDefault();
                    void model.submit(form);
                }}
            >
                {byMail && (
                    <Field
                        label={t("page_register_email")}
                        help={t("page_register_email_help")}
                        type="email"
                        value={form.email}
                        error={problem("email")}
                        autoComplete="email"
                        onChange={(email) => setForm({ ...form, email })}
                    />
                )}
                {about.registration !== "open" && (
                    <Field
                        label={t(byMail ? "page_register_invitation_instead" : "page_register_invitation")}
                        help={t("page_register_invitation_help")}
                        value={form.invitation}
                        error={problem("invitation")}
                        autoComplete="off"
                        code
                        onChange={(invitation) => setForm({ ...form, invitation })}
                    />
                )}
                <Field
                    label={t("display_name")}
                    help={t("display_name_help")}
                    value={form.displayName}
                    error={problem("displayName")}
                    autoComplete="name"
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
                {mailSent && <Alert tone="info">{t("page_register_mail_sent")}</Alert>}
                {error && <Alert tone="danger">{t(error)}</Alert>}
                <Button type="submit" block isPending={busy}>
                    {t(busy ? "register_busy" : "register_submit")}
                </Button>
            </Form>
            {back}
        </CenterPage>
    );
}
