// On a device that is already confirmed: another one asks to be confirmed.
import { useT } from "../../app/i18n.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import type { VerificationVm } from "../../vm/verification-vm.ts";
import { useSnapshot } from "../../vm/view-model.ts";
import { VerificationSteps } from "./VerificationSteps.tsx";

export function VerificationDialog({ model }: { model: VerificationVm }) {
    const t = useT();
    const { step } = useSnapshot(model);
    if (step === "idle") return null;
    return (
        <Dialog title={t("verify_title")} onClose={model.cancel} insistent wide>
            <VerificationSteps model={model} onDone={model.cancel} onBack={model.cancel} />
        </Dialog>
    );
}
