// A room for several people.
import { useState } from "react";
import { Form } from "react-aria-components";
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Field } from "../../ui/Field.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { PeopleSearchVm } from "../../vm/people-search-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { PeoplePicker } from "./PeoplePicker.tsx";

const FORM = "new-room";

export function NewRoomDialog({ engine, onDone }: { engine: Engine; onDone: (roomId: string | null) => void }) {
    const t = useT();
    const model = useOwnModel(() => new PeopleSearchVm(engine));
    const { busy, error } = useSnapshot(model);
    const [name, setName] = useState("");
    const [topic, setTopic] = useState("");
    const [missing, setMissing] = useState(false);
    return (
        <Dialog
            title={t("new_room")}
            onClose={() => onDone(null)}
            footer={
                <>
                    <Button look="secondary" onPress={() => onDone(null)}>
                        {t("cancel")}
                    </Button>
                    <Button type="submit" form={FORM} isPending={busy}>
                        {t("room_create")}
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
                    setMissing(name.trim() === "");
                    if (name.trim() !== "") void model.createRoom(name, topic).then((roomId) => roomId && onDone(roomId));
                }}
            >
                <Field label={t("room_name")} value={name} onChange={setName} error={missing ? t("room_name_missing") : undefined} autoFocus maxLength={120} />
                <Field label={t("room_topic")} value={topic} onChange={setTopic} maxLength={300} />
            </Form>
            <PeoplePicker model={model} label={t("room_people")} onChoose={model.choose} />
            <p className="hint hint--icon">
                <Icon name="lock" size={18} />
                {t("room_protected_hint")}
            </p>
            {error && <Alert tone="danger">{t(error)}</Alert>}
        </Dialog>
    );
}
