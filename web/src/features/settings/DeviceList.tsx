// The devices of this account, and signing one of them out.
import { useState } from "react";
import { Form } from "react-aria-components";
import { useIntl } from "react-intl";
import { useT } from "../../app/i18n.tsx";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { PasswordField } from "../../ui/Field.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import type { DeviceRow, SettingsVm } from "../../vm/settings-vm.ts";
import { useSnapshot } from "../../vm/view-model.ts";

const FORM = "remove-device";

export function DeviceList({ model }: { model: SettingsVm }) {
    const t = useT();
    const { devices, removing } = useSnapshot(model);
    if (devices === null) return <Spinner label={t("loading")} />;
    const device = devices.find((one) => one.id === removing);
    return (
        <>
            <ul className="devices">
                {devices.map((row) => (
                    <Device key={row.id} row={row} onRemove={() => model.askToRemove(row.id)} />
                ))}
            </ul>
            {device && <RemoveDialog model={model} device={device} />}
        </>
    );
}

function Device({ row, onRemove }: { row: DeviceRow; onRemove: () => void }) {
    const t = useT();
    const intl = useIntl();
    return (
        <li className="device">
            <Icon name="device" size={28} />
            <div className="device__text">
                <strong>{row.name}</strong>
                <span className="hint">
                    {row.current
                        ? t("device_this")
                        : row.lastSeen === null
                          ? t("device_never_seen")
                          : t("device_last_seen", { date: intl.formatDate(row.lastSeen, { dateStyle: "medium" }) })}
                </span>
                <span className={`tag${row.confirmed ? " tag--good" : " tag--warn"}`}>
                    <Icon name={row.confirmed ? "check" : "warning"} size={14} />
                    {t(row.confirmed ? "device_confirmed" : "device_unconfirmed")}
                </span>
            </div>
            {!row.current && (
                <Button look="secondary" small onPress={onRemove} aria-label={t("a11y_sign_out_device", { name: row.name })}>
                    {t("sign_out")}
                </Button>
            )}
        </li>
    );
}

function RemoveDialog({ model, device }: { model: SettingsVm; device: DeviceRow }) {
    const t = useT();
    const { busy, removeError } = useSnapshot(model);
    const [password, setPassword] = useState("");
    const close = () => model.askToRemove(null);
    return (
        <Dialog
            title={t("device_remove_title")}
            onClose={close}
            footer={
                <>
                    <Button look="secondary" onPress={close}>
                        {t("cancel")}
                    </Button>
                    <Button look="danger" type="submit" form={FORM} isPending={busy}>
                        {t("sign_out")}
                    </Button>
                </>
            }
        >
            <Form
                id={FORM}
                className="form"
                validationBehavior="aria"
                onSubmit={(event) => {
                    event.preventDefault();
                    void model.removeDevice(password);
                }}
            >
                <p>{t("device_remove_text", { name: device.name })}</p>
                <PasswordField
                    label={t("password")}
                    value={password}
                    onChange={setPassword}
                    error={removeError ? t(removeError) : undefined}
                    autoComplete="current-password"
                    autoFocus
                />
            </Form>
        </Dialog>
    );
}
