// Bringing colleagues into a room that exists.
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { PeopleSearchVm } from "../../vm/people-search-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { PeoplePicker } from "./PeoplePicker.tsx";

interface Props {
    engine: Engine;
    roomId: string;
    present: readonly string[];
    onClose: () => void;
}

export function InviteDialog({ engine, roomId, present, onClose }: Props) {
    const t = useT();
    const model = useOwnModel(() => new PeopleSearchVm(engine, present));
    const { chosen, busy, error } = useSnapshot(model);
    return (
        <Dialog
            title={t("invite_to_room")}
            onClose={onClose}
            footer={
                <>
                    <Button look="secondary" onPress={onClose}>
                        {t("cancel")}
                    </Button>
                    <Button isDisabled={chosen.length === 0} isPending={busy} onPress={() => void model.invite(roomId).then((done) => done && onClose())}>
                        {t("invite")}
                    </Button>
                </>
            }
        >
            <PeoplePicker model={model} label={t("people_search")} onChoose={model.choose} autoFocus />
            {error && <Alert tone="danger">{t(error)}</Alert>}
        </Dialog>
    );
}
