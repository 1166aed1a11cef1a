// The account, for people who came from another program: name, devices, closing it, a new identity.
import { useState, type ReactNode } from "react";
import { Form } from "react-aria-components";
import { useIntl } from "react-intl";
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT } from "../../app/i18n.tsx";
import type { AccountDevice, OwnAccount } from "../../matrix/account-pages.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Field, PasswordField } from "../../ui/Field.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import { AccountVm, accountAction, type AccountAction } from "../../vm/account-pages-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { PageSignIn } from "./PageSignIn.tsx";

export function AccountPage({ query }: { query: string }) {
    const t = useT();
    const [first] = useState(() => accountAction(query));
    const [action, setAction] = useState<AccountAction>(first.action);
    const model = useOwnModel(() => new AccountVm(first));
    const { userId, account, error, removing, closed } = useSnapshot(model);
    if (closed) {
        return (
            <CenterPage title={t("oauth_closed_title")} lead={t("oauth_closed_text")} focusTitle>
                {null}
            </CenterPage>
        );
    }
    if (userId === null) return <PageSignIn model={model} query={query} />;
    if (action === "resetIdentity") return <ResetPage model={model} />;
    if (action === "close") return <ClosePage model={model} onBack={() => setAction("all")} />;
    return (
        <CenterPage title={t("oauth_account_title")} lead={t("oauth_account_lead", { user: userId })} wide focusTitle>
            {error && <Alert tone="danger">{t(error)}</Alert>}
            {account === null ? (
                <Spinner label={t("loading")} />
            ) : (
                <>
                    {(action === "all" || action === "profile") && <NameForm key={account.display_name} model={model} account={account} />}
                    {action !== "profile" && <Devices model={model} account={account} only={action === "all" || action === "devices" ? null : first.deviceId} />}
                </>
            )}
            {action === "all" ? (
                <Button look="tertiary" block onPress={() => setAction("close")}>
                    {t("oauth_close")}
                </Button>
            ) : (
                <Button look="tertiary" block onPress={() => setAction("all")}>
                    {t("oauth_account_all")}
                </Button>
            )}
            {removing !== null && <RemoveDialog model={model} device={account?.devices.find((one) => one.device_id === removing)} />}
        </CenterPage>
    );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
    return (
        <section className="account-part">
            <h2>{title}</h2>
            {children}
        </section>
    );
}

function NameForm({ model, account }: { model: AccountVm; account: OwnAccount }) {
    const t = useT();
    const { busy, saved } = useSnapshot(model);
    const [name, setName] = useState(account.display_name ?? "");
    return (
        <Part title={t("settings_profile")}>
            <Form
                className="form"
                validationBehavior="aria"
                onSubmit={(event) => {
                    event.preventDefault();
                    void model.rename(name);
                }}
            >
                <Field label={t("display_name")} help={t("display_name_help")} value={name} onChange={setName} autoComplete="name" />
                <Button type="submit" look="secondary" isPending={busy} isDisabled={name.trim() === "" || name === account.display_name}>
                    {t("save")}
                </Button>
                {saved && <Alert tone="success">{t("saved")}</Alert>}
            </Form>
        </Part>
    );
}

function Devices({ model, account, only }: { model: AccountVm; account: OwnAccount; only: string | null }) {
    const t = useT();
    const devices = account.devices.filter((one) => only === null || one.device_id === only);
    const none = t(only === null ? "oauth_devices_none" : "oauth_device_gone");
    return (
        <Part title={t("settings_devices")}>
            <p className="hint">{devices.length === 0 ? none : t("settings_devices_text")}</p>
            <ul className="devices">
                {devices.map((device) => (
                    <Device key={device.device_id} device={device} onRemove={() => model.askToRemove(device.device_id)} />
                ))}
            </ul>
        </Part>
    );
}

function Device({ device, onRemove }: { device: AccountDevice; onRemove: () => void }) {
    const t = useT();
    const intl = useIntl();
    const name = device.display_name ?? device.device_id;
    return (
        <li className="device">
            <Icon name="device" size={28} />
            <div className="device__text">
                <strong>{name}</strong>
                <span className="hint">
                    {device.last_seen_ts === undefined
                        ? t("device_never_seen")
                        : t("device_last_seen", { date: intl.formatDate(device.last_seen_ts, { dateStyle: "medium" }) })}
                </span>
            </div>
            <Button look="secondary" small onPress={onRemove} aria-label={t("a11y_sign_out_device", { name })}>
                {t("sign_out")}
            </Button>
        </li>
    );
}

function RemoveDialog({ model, device }: { model: AccountVm; device: AccountDevice | undefined }) {
    const t = useT();
    const { busy } = useSnapshot(model);
    const close = () => model.askToRemove(null);
    if (!device) return null;
    return (
        <Dialog
            title={t("device_remove_title")}
            alert
            onClose={close}
            footer={
                <>
                    <Button look="secondary" onPress={close}>
                        {t("cancel")}
                    </Button>
                    <Button look="danger" isPending={busy} onPress={() => void model.removeDevice()}>
                        {t("sign_out")}
                    </Button>
                </>
            }
        >
            <p>{t("oauth_device_remove_text", { name: device.display_name ?? device.device_id })}</p>
        </Dialog>
    );
}

function ClosePage({ model, onBack }: { model: AccountVm; onBack: () => void }) {
    const t = useT();
    const { userId, busy, error } = useSnapshot(model);
    const [password, setPassword] = useState("");
    return (
        <CenterPage title={t("oauth_close_title")} lead={t("oauth_account_lead", { user: userId ?? "" })} focusTitle>
            <Alert tone="warning">{t("oauth_close_text")}</Alert>
            <Form
                className="form"
                validationBehavior="aria"
                onSubmit={(event) => {
                    event.preventDefault();
                    void model.close(password);
                }}
            >
                <PasswordField
                    label={t("password")}
                    value={password}
                    onChange={setPassword}
                    error={error ? t(error) : undefined}
                    autoComplete="current-password"
                />
                <Button type="submit" look="danger" block isPending={busy} isDisabled={password === ""}>
                    {t("oauth_close")}
                </Button>
            </Form>
            <Button look="tertiary" block onPress={onBack}>
                {t("cancel")}
            </Button>
        </CenterPage>
    );
}

function ResetPage({ model }: { model: AccountVm }) {
    const t = useT();
    const { userId, busy, error, resetAllowed } = useSnapshot(model);
    return (
        <CenterPage title={t("oauth_reset_title")} lead={t("oauth_account_lead", { user: userId ?? "" })} focusTitle>
            <p>{t("oauth_reset_text")}</p>
            {error && <Alert tone="danger">{t(error)}</Alert>}
            {resetAllowed ? (
                <Alert tone="success">{t("oauth_reset_done")}</Alert>
            ) : (
                <>
                    <Alert tone="warning">{t("oauth_consent_warning")}</Alert>
                    <Button look="danger" block isPending={busy} onPress={() => void model.allowReset()}>
                        {t("oauth_reset_allow")}
                    </Button>
                </>
            )}
        </CenterPage>
    );
}
