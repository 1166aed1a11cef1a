// Dialogs: focus goes in, stays in, and comes back; Escape closes unless closing by accident would cost something.
import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { useT } from "../app/i18n.tsx";
import { IconButton } from "./Button.tsx";

export interface DialogProps {
    title: string;
    onClose: () => void;
    children: ReactNode;
    footer?: ReactNode;
    /** No Escape, no click beside it, no cross: only the buttons in it lead on. */
    insistent?: boolean;
    wide?: boolean;
    alert?: boolean;
}

export function Dialog({ title, onClose, children, footer, insistent = false, wide = false, alert = false }: DialogProps) {
    const t = useT();
    return (
        <ModalOverlay
            className="overlay"
            isOpen
            isDismissable={!insistent}
            isKeyboardDismissDisabled={insistent}
            onOpenChange={(open) => !open && onClose()}
        >
            <Modal className={`modal${wide ? " modal--wide" : ""}`}>
                <AriaDialog className="dialog" role={alert ? "alertdialog" : "dialog"}>
                    <header className="dialog__header">
                        <Heading slot="title" className="dialog__title">
                            {title}
                        </Heading>
                        {!insistent && <IconButton icon="close" label={t("close")} onPress={onClose} />}
                    </header>
                    <div className="dialog__body">{children}</div>
                    {footer && <footer className="dialog__footer">{footer}</footer>}
                </AriaDialog>
            </Modal>
        </ModalOverlay>
    );
}
