// A new device of an existing account: confirmed by another device, by the recovery key, or by starting anew. There is no "later",
// because an unconfirmed device would neither get nor send messages.
import { useState } from "react";
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Icon, type IconName } from "../../ui/Icon.tsx";
import type { AppVm } from "../../vm/app-vm.ts";
import { VerificationVm } from "../../vm/verification-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { Button as AriaButton } from "react-aria-components";
import { RecoveryGate } from "../recovery/RecoveryGate.tsx";
import { UnlockForm } from "../recovery/UnlockForm.tsx";
import { VerificationSteps } from "./VerificationSteps.tsx";

type Way = "choose" | "key" | "device" | "anewWarning" | "anew";

const CONSEQUENCES = ["anew_point_locked", "anew_point_contacts", "anew_point_devices"] as const;

export function ConfirmGate({ app, engine }: { app: AppVm; engine: Engine }) {
    const t = useT();
    const [way, setWay] = useState<Way>("choose");
    const { recoveryKeyExists } = useSnapshot(engine.encryption);
    const verification = useOwnModel(() => new VerificationVm(engine));
    const back = () => {
        verification.cancel();
        setWay("choose");
    };
    if (way === "anew") return <RecoveryGate app={app} engine={engine} startAnew onDone={app.passGate} onBack={back} />;
    if (way === "key") {
        return (
            <CenterPage title={t("confirm_key_title")} focusTitle={false}>
                <UnlockForm engine={engine} onDone={app.passGate} />
                <Button look="tertiary" block onPress={back}>
                    {t("back")}
                </Button>
            </CenterPage>
        );
    }
    if (way === "device") {
        return (
            <CenterPage title={t("confirm_device_title")} wide focusTitle>
                <VerificationSteps model={verification} onDone={app.passGate} onBack={back} />
            </CenterPage>
        );
    }
    if (way === "anewWarning") {
        return (
            <CenterPage title={t("anew_title")} lead={t("anew_text")} focusTitle>
                <ul className="points points--warning">
                    {CONSEQUENCES.map((point) => (
                        <li key={point}>
                            <Icon name="warning" />
                            <span>{t(point)}</span>
                        </li>
                    ))}
                </ul>
                <Button look="danger" block onPress={() => setWay("anew")}>
                    {t("anew_submit")}
                </Button>
                <Button look="tertiary" block onPress={back}>
                    {t("back")}
                </Button>
            </CenterPage>
        );
    }
    return (
        <CenterPage title={t("confirm_title")} lead={t("confirm_lead")} focusTitle>
            {!recoveryKeyExists && <Alert tone="info">{t("confirm_no_key")}</Alert>}
            <div className="ways">
                {recoveryKeyExists && <WayButton icon="key" title={t("confirm_by_key")} text={t("confirm_by_key_text")} onPress={() => setWay("key")} />}
                <WayButton
                    icon="device"
                    title={t("confirm_by_device")}
                    text={t("confirm_by_device_text")}
                    onPress={() => {
                        setWay("device");
                        void verification.ask();
                    }}
                />
                <WayButton icon="retry" title={t("confirm_anew")} text={t("confirm_anew_text")} onPress={() => setWay("anewWarning")} />
            </div>
            <Button look="tertiary" block onPress={() => void app.signOut()}>
                {t("sign_out")}
            </Button>
        </CenterPage>
    );
}

function WayButton({ icon, title, text, onPress }: { icon: IconName; title: string; text: string; onPress: () => void }) {
    return (
        <AriaButton className="way" onPress={onPress}>
            <span className="way__icon">
                <Icon name={icon} size={24} />
            </span>
            <span className="way__text">
                <strong>{title}</strong>
                <span>{text}</span>
            </span>
        </AriaButton>
    );
}
