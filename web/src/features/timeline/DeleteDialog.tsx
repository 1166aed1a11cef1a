// Deleting is final for everybody, so it is asked once.
import { useT } from "../../app/i18n.tsx";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";

export function DeleteDialog({ onDelete, onClose }: { onDelete: () => void; onClose: () => void }) {
    const t = useT();
    return (
        <Dialog
            title={t("delete_title")}
            alert
            onClose={onClose}
            footer={
                <>
                    <Button look="secondary" onPress={onClose} autoFocus>
                        {t("cancel")}
                    </Button>
                    <Button look="danger" onPress={onDelete}>
                        {t("delete")}
                    </Button>
                </>
            }
        >
            <p>{t("delete_text")}</p>
        </Dialog>
    );
}
