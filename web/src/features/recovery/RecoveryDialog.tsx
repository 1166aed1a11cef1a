// Making a new recovery key from within the client.
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Dialog } from "../../ui/Dialog.tsx";
import type { AppVm } from "../../vm/app-vm.ts";
import { RecoveryVm } from "../../vm/recovery-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { RECOVERY_TITLES } from "./RecoveryGate.tsx";
import { RecoverySteps } from "./RecoverySteps.tsx";

interface Props {
    app: AppVm;
    engine: Engine;
    startAnew: boolean;
    onClose: () => void;
}

export function RecoveryDialog({ app, engine, startAnew, onClose }: Props) {
    const t = useT();
    const model = useOwnModel(() => new RecoveryVm(engine.encryption, { startAnew, recentPassword: app.recentPassword }));
    const { step } = useSnapshot(model);
    return (
        <Dialog title={t(RECOVERY_TITLES[step])} onClose={onClose} insistent={step !== "inform" && step !== "done"}>
            <RecoverySteps model={model} onDone={onClose} />
        </Dialog>
    );
}
