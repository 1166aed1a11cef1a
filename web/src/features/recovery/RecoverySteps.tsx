// The steps of making a recovery key: what it is for, the key itself, typing it again, done.
import { useEffect, useState } from "react";
import { Form } from "react-aria-components";
import { FormattedDate } from "react-intl";
import { useT } from "../../app/i18n.tsx";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { useCopy } from "../../ui/clipboard.ts";
import { Field, PasswordField } from "../../ui/Field.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import type { RecoveryVm } from "../../vm/recovery-vm.ts";
import { useSnapshot } from "../../vm/view-model.ts";

const POINTS = ["recovery_point_device", "recovery_point_history", "recovery_point_nobody"] as const;

export function RecoverySteps({ model, onDone }: { model: RecoveryVm; onDone: () => void }) {
    const t = useT();
    const { step, error } = useSnapshot(model);
    useWarnBeforeLeaving(step === "show" || step === "repeat" || step === "working");
    switch (step) {
        case "inform":
            return (
                <div className="form">
                    <p>{t("recovery_inform_text")}</p>
                    <ul className="points">
                        {POINTS.map((point) => (
                            <li key={point}>
                                <Icon name="check" />
                                <span>{t(point)}</span>
                            </li>
                        ))}
                    </ul>
                    {error && <Alert tone="danger">{t(error)}</Alert>}
                    <Button block icon="key" onPress={() => void model.show()}>
                        {t("recovery_create")}
                    </Button>
                </div>
            );
        case "show":
            return <ShowKey model={model} />;
        case "repeat":
            return <RepeatKey model={model} />;
        case "password":
            return <AskPassword model={model} />;
        case "working":
            return (
                <div className="form form--center">
                    <Spinner label={t("recovery_working_text")} size={36} />
                    <p>{t("recovery_working_text")}</p>
                </div>
            );
        case "done":
            return (
                <div className="form">
                    <Alert tone="success">{t("recovery_done_text")}</Alert>
                    <Button block onPress={onDone}>
                        {t("continue")}
                    </Button>
                </div>
            );
    }
}

function ShowKey({ model }: { model: RecoveryVm }) {
    const t = useT();
    const { recoveryKey, made } = useSnapshot(model);
    const [copied, copy] = useCopy();
    const save = () => {
        const text = `${t("recovery_paper_title")}\n${made.toLocaleDateString("de-DE")}\n\n${recoveryKey}\n\n${t("recovery_paper_hint")}\n`;
        const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
        const link = document.createElement("a");
        link.href = url;
        link.download = t("recovery_file_name");
        link.click();
        setTimeout(() => URL.revokeObjectURL(url), 10_000);
    };
    return (
        <div className="form">
            <p>{t("recovery_show_text")}</p>
            <div className="recovery-key print">
                <p className="recovery-key__title">
                    {t("recovery_key_of")} <FormattedDate value={made} dateStyle="medium" />
                </p>
                <p className="recovery-key__code" data-testid="recovery-key">
                    {recoveryKey}
                </p>
                <p className="recovery-key__hint">{t("recovery_paper_hint")}</p>
            </div>
            <div className="button-row">
                <Button look="secondary" small icon="print" onPress={() => globalThis.print()}>
                    {t("recovery_print")}
                </Button>
                <Button look="secondary" small icon="download" onPress={save}>
                    {t("recovery_save")}
                </Button>
                <Button look="secondary" small icon={copied ? "check" : "copy"} onPress={() => copy(recoveryKey)}>
                    {t(copied ? "copied" : "copy")}
                </Button>
            </div>
            <Alert tone="info">{t("recovery_show_once")}</Alert>
            <Button block onPress={model.askAgain}>
                {t("recovery_kept")}
            </Button>
        </div>
    );
}

function RepeatKey({ model }: { model: RecoveryVm }) {
    const t = useT();
    const { error } = useSnapshot(model);
    const [typed, setTyped] = useState("");
    return (
        <Form
            className="form"
            validationBehavior="aria"
            onSubmit={(event) => {
                event.preventDefault();
                void model.repeat(typed);
            }}
        >
            <p>{t("recovery_repeat_text")}</p>
            <Field
                label={t("recovery_key")}
                help={t("recovery_key_help")}
                value={typed}
                onChange={setTyped}
                error={error ? t(error) : undefined}
                autoComplete="off"
                code
                multiline
                autoFocus
            />
            <Button block type="submit">
                {t("continue")}
            </Button>
            <Button look="tertiary" block onPress={() => void model.show()}>
                {t("recovery_show_again")}
            </Button>
        </Form>
    );
}

function AskPassword({ model }: { model: RecoveryVm }) {
    const t = useT();
    const { error } = useSnapshot(model);
    const [password, setPassword] = useState("");
    return (
        <Form
            className="form"
            validationBehavior="aria"
            onSubmit={(event) => {
                event.preventDefault();
                void model.givePassword(password);
            }}
        >
            <p>{t("recovery_password_text")}</p>
            <PasswordField label={t("password")} value={password} onChange={setPassword} error={error ? t(error) : undefined} autoComplete="current-password" autoFocus />
            <Button block type="submit">
                {t("continue")}
            </Button>
        </Form>
    );
}

/** The key is shown once: closing the page by accident gets a question from the browser. */
function useWarnBeforeLeaving(active: boolean): void {
    useEffect(() => {
        if (!active) return undefined;
        const warn = (event: BeforeUnloadEvent) => event.preventDefault();
        globalThis.addEventListener("beforeunload", warn);
        return () => globalThis.removeEventListener("beforeunload", warn);
    }, [active]);
}
