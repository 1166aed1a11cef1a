// The recovery key asked for from within the client.
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Dialog } from "../../ui/Dialog.tsx";
import { UnlockForm } from "./UnlockForm.tsx";

export function UnlockDialog({ engine, onClose }: { engine: Engine; onClose: () => void }) {
    const t = useT();
    return (
        <Dialog title={t("unlock_title")} onClose={onClose}>
            <UnlockForm engine={engine} onDone={onClose} />
        </Dialog>
    );
}
