// For administrators: a link that makes one or more accounts.
import { useState } from "react";
import { useIntl } from "react-intl";
import { Checkbox, Label, NumberField, Group, Input, Button as AriaButton } from "react-aria-components";
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { useCopy } from "../../ui/clipboard.ts";
import { Dialog } from "../../ui/Dialog.tsx";
import { Field } from "../../ui/Field.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { InviteLinkVm } from "../../vm/settings-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";

export function InviteLinkDialog({ engine, onClose }: { engine: Engine; onClose: () => void }) {
    const t = useT();
    const intl = useIntl();
    const model = useOwnModel(() => new InviteLinkVm(engine));
    const { invitation, busy, error } = useSnapshot(model);
    const [uses, setUses] = useState(1);
    const [days, setDays] = useState(7);
    const [administrator, setAdministrator] = useState(false);
    const [copied, copy] = useCopy();
    if (invitation) {
        const until = intl.formatDate(invitation.expires_ts, { dateStyle: "long" });
        return (
            <Dialog title={t("invite_link_title")} onClose={onClose} footer={<Button onPress={onClose}>{t("done")}</Button>}>
                <div className="form">
                    <p>{t("invite_link_text", { uses, until })}</p>
                    <Field label={t("invite_link_label")} value={invitation.link} isReadOnly code />
                    <Button look="secondary" icon={copied ? "check" : "copy"} onPress={() => copy(invitation.link)}>
                        {t(copied ? "copied" : "invite_link_copy")}
                    </Button>
                </div>
            </Dialog>
        );
    }
    return (
        <Dialog
            title={t("invite_colleagues")}
            onClose={onClose}
            footer={
                <>
                    <Button look="secondary" onPress={onClose}>
                        {t("cancel")}
                    </Button>
                    <Button isPending={busy} onPress={() => void model.create({ uses, days, administrator })}>
                        {t("invite_link_create")}
                    </Button>
                </>
            }
        >
            <div className="form">
                <p>{t("invite_link_lead")}</p>
                <Stepper label={t("invite_link_uses")} value={uses} onChange={setUses} max={500} />
                <Stepper label={t("invite_link_days")} value={days} onChange={setDays} max={90} />
                <Checkbox className="checkbox" isSelected={administrator} onChange={setAdministrator}>
                    <span className="checkbox__box">{administrator && <Icon name="check" size={16} />}</span>
                    {t("invite_link_admin")}
                </Checkbox>
                {error && <Alert tone="danger">{t(error)}</Alert>}
            </div>
        </Dialog>
    );
}

function Stepper({ label, value, onChange, max }: { label: string; value: number; onChange: (value: number) => void; max: number }) {
    return (
        <NumberField className="field" value={value} onChange={onChange} minValue={1} maxValue={max}>
            <Label className="field__label">{label}</Label>
            <Group className="stepper">
                <AriaButton slot="decrement" className="icon-btn">
                    <span aria-hidden="true">{"−"}</span>
                </AriaButton>
                <Input className="stepper__input" />
                <AriaButton slot="increment" className="icon-btn">
                    <Icon name="plus" size={18} />
                </AriaButton>
            </Group>
        </NumberField>
    );
}
