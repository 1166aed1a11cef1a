// A private chat with one colleague.
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { PeopleSearchVm } from "../../vm/people-search-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { PeoplePicker } from "./PeoplePicker.tsx";

export function NewChatDialog({ engine, onDone }: { engine: Engine; onDone: (roomId: string | null) => void }) {
    const t = useT();
    const model = useOwnModel(() => new PeopleSearchVm(engine));
    const { error } = useSnapshot(model);
    return (
        <Dialog title={t("new_chat")} onClose={() => onDone(null)}>
            <PeoplePicker
                model={model}
                label={t("people_search")}
                autoFocus
                onChoose={(person) => void model.startChat(person).then((roomId) => roomId && onDone(roomId))}
            />
            {error && <Alert tone="danger">{t(error)}</Alert>}
        </Dialog>
    );
}
