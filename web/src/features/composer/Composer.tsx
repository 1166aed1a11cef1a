// Writing: Enter sends, Shift and Enter breaks the line, Escape leaves an answer or a change; files by button, paste or drop.
import { useEffect, useLayoutEffect, useRef, type ClipboardEvent, type KeyboardEvent } from "react";
import { FileTrigger } from "react-aria-components";
import { useT } from "../../app/i18n.tsx";
import { usePreviewText } from "../../app/preview-text.ts";
import { Button, IconButton } from "../../ui/Button.tsx";
import { Icon } from "../../ui/Icon.tsx";
import type { ComposerVm, Upload } from "../../vm/composer-vm.ts";
import { useSnapshot } from "../../vm/view-model.ts";

const TALLEST = 180;

export function Composer({ model, roomName }: { model: ComposerVm; roomName: string }) {
    const t = useT();
    const preview = usePreviewText();
    const { text, replyTo, editing, uploads } = useSnapshot(model);
    const input = useRef<HTMLTextAreaElement>(null);
    useEffect(() => {
        // On a touch screen focusing would open the keyboard over the messages.
        if (globalThis.matchMedia("(hover: hover)").matches || replyTo || editing) input.current?.focus();
    }, [replyTo, editing]);
    // The text decides the height, though only the element is asked for it.
    useLayoutEffect(() => {
        const element = input.current;
        if (!element) return;
        element.style.height = "auto";
        element.style.height = `${Math.min(element.scrollHeight, TALLEST)}px`;
    }, [text]);

    const onKeyDown = (event: KeyboardEvent) => {
        // While an input method composes a character, Enter belongs to it.
        if (event.nativeEvent.isComposing) return;
        if (event.key === "Enter" && !event.shiftKey) {
            event.preventDefault();
            model.send();
        } else if (event.key === "Escape" && (replyTo || editing)) {
            event.preventDefault();
            model.cancelContext();
        }
    };
    const onPaste = (event: ClipboardEvent) => {
        if (event.clipboardData.files.length === 0) return;
        event.preventDefault();
        model.attach(event.clipboardData.files);
    };
    return (
        <div className="composer">
            {uploads.length > 0 && (
                <ul className="uploads" aria-label={t("uploads")}>
                    {uploads.map((upload) => (
                        <UploadRow key={upload.id} model={model} upload={upload} />
                    ))}
                </ul>
            )}
            {(replyTo ?? editing) && (
                <div className="composer__context">
                    <Icon name={editing ? "edit" : "reply"} />
                    <div className="composer__context-text">
                        <strong>{editing ? t("editing") : t("replying_to", { name: replyTo?.senderName ?? "" })}</strong>
                        {replyTo && <span>{preview(replyTo.preview)}</span>}
                    </div>
                    <IconButton icon="close" label={t("cancel")} onPress={model.cancelContext} />
                </div>
            )}
            <div className="composer__row">
                <FileTrigger allowsMultiple onSelect={(files) => files && model.attach(files)}>
                    <IconButton icon="attach" label={t("attach")} size={22} />
                </FileTrigger>
                <textarea
                    ref={input}
                    className="composer__input"
                    rows={1}
                    value={text}
                    dir="auto"
                    maxLength={20_000}
                    aria-label={t("a11y_compose", { name: roomName })}
                    placeholder={t("compose_placeholder")}
                    enterKeyHint="send"
                    onChange={(event) => model.setText(event.target.value)}
                    onKeyDown={onKeyDown}
                    onPaste={onPaste}
                />
                <span className="composer__send">
                    <IconButton icon={editing ? "check" : "send"} label={t(editing ? "save" : "send")} size={22} isDisabled={text.trim() === ""} onPress={model.send} />
                </span>
            </div>
        </div>
    );
}

function UploadRow({ model, upload }: { model: ComposerVm; upload: Upload }) {
    const t = useT();
    return (
        <li className="upload">
            <Icon name="file" />
            <span className="upload__name">{upload.name}</span>
            {upload.error ? (
                <>
                    <span className="upload__error">{t(upload.error)}</span>
                    <Button small look="secondary" onPress={() => model.retryUpload(upload.id)}>
                        {t("try_again")}
                    </Button>
                </>
            ) : (
                <progress value={upload.share} max={1} aria-label={t("a11y_uploading", { name: upload.name })} />
            )}
            <IconButton icon="close" label={t("cancel")} onPress={() => model.dropUpload(upload.id)} />
        </li>
    );
}
