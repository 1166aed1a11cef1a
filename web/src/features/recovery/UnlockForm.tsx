// Entering the recovery key, with the day of the one that counts.
import { useEffect, useState } from "react";
import { Form } from "react-aria-components";
import { useIntl } from "react-intl";
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Button } from "../../ui/Button.tsx";
import { Field } from "../../ui/Field.tsx";
import { UnlockVm } from "../../vm/unlock-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";

export function UnlockForm({ engine, onDone }: { engine: Engine; onDone: () => void }) {
    const t = useT();
    const intl = useIntl();
    const model = useOwnModel(() => new UnlockVm(engine.encryption));
    const { state, error } = useSnapshot(model);
    const { recoveryKeyDate } = useSnapshot(engine.encryption);
    const [typed, setTyped] = useState("");
    useEffect(() => {
        if (state === "done") onDone();
    }, [state, onDone]);
    const help = recoveryKeyDate
        ? t("unlock_help_dated", { date: intl.formatDate(recoveryKeyDate, { dateStyle: "medium" }) })
        : t("recovery_key_help");
    return (
        <Form
            className="form"
            validationBehavior="aria"
            onSubmit={(event) => {
                event.preventDefault();
                void model.submit(typed);
            }}
        >
            <Field
                label={t("recovery_key")}
                help={help}
                value={typed}
                onChange={setTyped}
                error={error ? t(error) : undefined}
                autoComplete="off"
                code
                multiline
                autoFocus
            />
            <Button block type="submit" isPending={state !== "waiting"}>
                {t(state === "waiting" ? "unlock_submit" : "unlock_working")}
            </Button>
        </Form>
    );
}
