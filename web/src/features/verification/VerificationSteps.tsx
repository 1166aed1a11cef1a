// Comparing seven pictures, seen from either device.
import { useT, type MessageId } from "../../app/i18n.tsx";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import type { SasEmoji, VerificationVm } from "../../vm/verification-vm.ts";
import { useSnapshot } from "../../vm/view-model.ts";
import en from "../../../locales/en.json";

interface Props {
    model: VerificationVm;
    onDone: () => void;
    onBack: () => void;
}

export function VerificationSteps({ model, onDone, onBack }: Props) {
    const t = useT();
    const { step, emoji, otherDevice } = useSnapshot(model);
    switch (step) {
        case "idle":
            return null;
        case "asked":
            return (
                <div className="form">
                    <p>{t("verify_asked", { device: otherDevice ?? t("verify_other_device") })}</p>
                    <Alert tone="warning">{t("verify_asked_warning")}</Alert>
                    <Button block onPress={() => void model.accept()}>
                        {t("verify_accept")}
                    </Button>
                    <Button look="tertiary" block onPress={onBack}>
                        {t("verify_not_me")}
                    </Button>
                </div>
            );
        case "waiting":
        case "agreed":
        case "finishing": {
            const text: MessageId = step === "waiting" ? "verify_waiting" : step === "agreed" ? "verify_agreed" : "verify_finishing";
            return (
                <div className="form form--center">
                    <Spinner label={t(text)} size={36} />
                    <p>{t(text)}</p>
                    {step !== "finishing" && (
                        <Button look="tertiary" onPress={onBack}>
                            {t("cancel")}
                        </Button>
                    )}
                </div>
            );
        }
        case "compare":
            return (
                <div className="form">
                    <p>{t("verify_compare")}</p>
                    <Emoji emoji={emoji} />
                    <div className="button-row button-row--even">
                        <Button onPress={() => void model.same()}>{t("verify_same")}</Button>
                        <Button look="secondary" onPress={model.different}>
                            {t("verify_different")}
                        </Button>
                    </div>
                </div>
            );
        case "done":
            return (
                <div className="form">
                    <Alert tone="success">{t("verify_done")}</Alert>
                    <Button block onPress={onDone} autoFocus>
                        {t("continue")}
                    </Button>
                </div>
            );
        case "cancelled":
        case "mismatch":
            return (
                <div className="form">
                    <Alert tone={step === "mismatch" ? "danger" : "warning"}>{t(step === "mismatch" ? "verify_mismatch" : "verify_cancelled")}</Alert>
                    <Button block onPress={onBack}>
                        {t("back")}
                    </Button>
                </div>
            );
    }
}

function Emoji({ emoji }: { emoji: readonly SasEmoji[] }) {
    const t = useT();
    return (
        <ol className="sas" aria-label={t("verify_pictures")}>
            {emoji.map((one, index) => (
                // The same picture may come twice: its place is part of what it is.
                // oxlint-disable-next-line react/no-array-index-key
                <li key={`${one.name}-${index}`} className="sas__item">
                    <span className="sas__symbol" aria-hidden="true">
                        {one.symbol}
                    </span>
                    <span className="sas__name">{sasName(one.name, t)}</span>
                </li>
            ))}
        </ol>
    );
}

function sasName(name: string, t: ReturnType<typeof useT>): string {
    const id = `sas_${name.toLowerCase().replaceAll(/[^a-z]+/g, "_")}`;
    return id in en ? t(id as MessageId) : name;
}
