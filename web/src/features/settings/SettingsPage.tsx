// Settings: name, appearance, language, recovery key, devices, sign out.
import { useState, type ReactNode } from "react";
import { Form } from "react-aria-components";
import { useIntl } from "react-intl";
import { setAppearance, storedAppearance, type Appearance } from "../../app/appearance.ts";
import { useLanguage, useT, type Language } from "../../app/i18n.tsx";
import { navigate } from "../../app/route.ts";
import type { Engine } from "../../matrix/engine.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button, IconButton } from "../../ui/Button.tsx";
import { Choice } from "../../ui/Choice.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Field } from "../../ui/Field.tsx";
import type { AppVm } from "../../vm/app-vm.ts";
import { SettingsVm } from "../../vm/settings-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { RecoveryDialog } from "../recovery/RecoveryDialog.tsx";
import { DeviceList } from "./DeviceList.tsx";

const LANGUAGES: readonly { value: Language; label: string }[] = [
    { value: "de", label: "Deutsch" },
    { value: "en", label: "English" },
];

export function SettingsPage({ app, engine }: { app: AppVm; engine: Engine }) {
    const t = useT();
    const intl = useIntl();
    const model = useOwnModel(() => new SettingsVm(engine));
    const { userId, displayName, error } = useSnapshot(model);
    const { recoveryKeyDate, health } = useSnapshot(engine.encryption);
    const { language, setLanguage } = useLanguage();
    const [appearance, choose] = useState<Appearance>(storedAppearance);
    const [dialog, setDialog] = useState<"key" | "signOut" | null>(null);
    return (
        <div className="page">
            <header className="page__header">
                <span className="only-phone">
                    <IconButton icon="back" label={t("back_to_list")} onPress={() => navigate({ page: "home" })} />
                </span>
                <h1>{t("settings")}</h1>
            </header>
            <div className="page__body">
                {error && <Alert tone="danger">{t(error)}</Alert>}
                <Section title={t("settings_profile")}>
                    <div className="profile">
                        <Avatar name={displayName} seed={userId} size={72} />
                        <div>
                            <p className="profile__name">{displayName}</p>
                            <p className="hint">{userId}</p>
                        </div>
                    </div>
                    <NameForm key={displayName} model={model} />
                </Section>
                <Section title={t("settings_appearance")}>
                    <div className="setting">
                        <span>{t("appearance")}</span>
                        <Choice
                            label={t("appearance")}
                            value={appearance}
                            options={[
                                { value: "system", label: t("appearance_system") },
                                { value: "light", label: t("appearance_light") },
                                { value: "dark", label: t("appearance_dark") },
                            ]}
                            onChange={(value) => {
                                setAppearance(value);
                                choose(value);
                            }}
                        />
                    </div>
                    <div className="setting">
                        <span>{t("language")}</span>
                        <Choice label={t("language")} value={language} options={LANGUAGES} onChange={setLanguage} />
                    </div>
                </Section>
                <Section title={t("recovery_key")}>
                    <p>
                        {recoveryKeyDate
                            ? t("settings_key_dated", { date: intl.formatDate(recoveryKeyDate, { dateStyle: "long" }) })
                            : t("settings_key_undated")}
                    </p>
                    <Button look="secondary" icon="key" isDisabled={health === "needsKey"} onPress={() => setDialog("key")}>
                        {t("settings_key_new")}
                    </Button>
                </Section>
                <Section title={t("settings_devices")}>
                    <p className="hint">{t("settings_devices_text")}</p>
                    <DeviceList model={model} />
                </Section>
                <Section title={t("settings_account")}>
                    <p className="hint">{t("settings_sign_out_text")}</p>
                    <Button look="secondary" icon="signout" onPress={() => setDialog("signOut")}>
                        {t("sign_out")}
                    </Button>
                </Section>
            </div>
            {dialog === "key" && <RecoveryDialog app={app} engine={engine} startAnew={false} onClose={() => setDialog(null)} />}
            {dialog === "signOut" && (
                <Dialog
                    title={t("sign_out_title")}
                    alert
                    onClose={() => setDialog(null)}
                    footer={
                        <>
                            <Button look="secondary" onPress={() => setDialog(null)}>
                                {t("cancel")}
                            </Button>
                            <Button look="danger" onPress={() => void app.signOut()}>
                                {t("sign_out")}
                            </Button>
                        </>
                    }
                >
                    <p>{t(health === "ok" ? "sign_out_text" : "sign_out_text_unsafe")}</p>
                </Dialog>
            )}
        </div>
    );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
    return (
        <section className="section">
            <h2>{title}</h2>
            {children}
        </section>
    );
}

function NameForm({ model }: { model: SettingsVm }) {
    const t = useT();
    const { displayName, saved, busy } = useSnapshot(model);
    const [name, setName] = useState(displayName);
    return (
        <Form
            className="form"
            validationBehavior="aria"
            onSubmit={(event) => {
                event.preventDefault();
                void model.saveName(name);
            }}
        >
            <Field label={t("display_name")} help={t("display_name_help")} value={name} onChange={setName} maxLength={100} />
            <div className="button-row">
                <Button type="submit" look="secondary" isDisabled={busy || name.trim() === "" || name === displayName}>
                    {t("save")}
                </Button>
                {saved && <span role="status">{t("saved")}</span>}
            </div>
        </Form>
    );
}
