// The full-page form of making a recovery key: after the first sign-in, and when somebody starts anew.
import { CenterPage } from "../../app/CenterPage.tsx";
import { useT, type MessageId } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Button } from "../../ui/Button.tsx";
import type { AppVm } from "../../vm/app-vm.ts";
import { RecoveryVm, type RecoveryStep } from "../../vm/recovery-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { RecoverySteps } from "./RecoverySteps.tsx";

export const RECOVERY_TITLES: Readonly<Record<RecoveryStep, MessageId>> = {
    inform: "recovery_inform_title",
    show: "recovery_show_title",
    repeat: "recovery_repeat_title",
    password: "recovery_password_title",
    working: "recovery_working_title",
    done: "recovery_done_title",
};

interface Props {
    app: AppVm;
    engine: Engine;
    startAnew: boolean;
    onDone: () => void;
    onBack?: () => void;
}

export function RecoveryGate({ app, engine, startAnew, onDone, onBack }: Props) {
    const t = useT();
    const model = useOwnModel(() => new RecoveryVm(engine.encryption, { startAnew, recentPassword: app.recentPassword }));
    const { step } = useSnapshot(model);
    const back = onBack ?? (() => void app.signOut());
    return (
        <CenterPage title={t(RECOVERY_TITLES[step])} focusTitle>
            <RecoverySteps model={model} onDone={onDone} />
            {step === "inform" && (
                <Button look="tertiary" block onPress={back}>
                    {t(onBack ? "back" : "sign_out")}
                </Button>
            )}
        </CenterPage>
    );
}
