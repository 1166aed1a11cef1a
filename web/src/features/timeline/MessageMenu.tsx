// What can be done to a message, by mouse, keyboard or long press.
import { useRef, useState } from "react";
import { Menu, MenuItem, Popover, Button as AriaButton, Dialog as AriaDialog } from "react-aria-components";
import { useT } from "../../app/i18n.tsx";
import { Icon, type IconName } from "../../ui/Icon.tsx";
import type { ComposerVm } from "../../vm/composer-vm.ts";
import type { MessageItem } from "../../vm/timeline-items.ts";
import type { TimelineVm } from "../../vm/timeline-vm.ts";

export interface MenuTarget {
    readonly item: MessageItem;
    readonly element: HTMLElement;
    /** Straight to the reactions. */
    readonly emoji: boolean;
}

interface Props {
    target: MenuTarget;
    model: TimelineVm;
    composer: ComposerVm;
    onDelete: (item: MessageItem) => void;
    onClose: () => void;
}

const EMOJI = [
    "👍", "❤️", "😂", "😮", "😢", "🙏", "🎉", "✅",
    "👎", "👏", "🙂", "😊", "😉", "🤔", "👀", "💪",
    "🚀", "☕", "🍰", "⚠️", "❓", "❌", "📌", "🕒",
] as const;

export function MessageMenu({ target, model, composer, onDelete, onClose }: Props) {
    const t = useT();
    const { item } = target;
    const anchor = useRef<HTMLElement | null>(target.element);
    const [emoji, setEmoji] = useState(target.emoji);
    // Opening the composer moves the focus there; otherwise it goes back to the message.
    const close = () => {
        onClose();
        target.element.focus();
    };
    const act: Readonly<Record<string, () => void>> = {
        reply: () => composer.replyTo(item),
        edit: () => composer.edit(item),
        copy: () => void navigator.clipboard.writeText(item.body.kind === "text" ? item.body.text : ""),
        delete: () => onDelete(item),
    };
    const entries: readonly { id: string; icon: IconName; shown: boolean }[] = [
        { id: "react", icon: "smile", shown: item.state === "sent" || item.state === "read" },
        { id: "reply", icon: "reply", shown: item.state === "sent" || item.state === "read" },
        { id: "copy", icon: "copy", shown: item.body.kind === "text" },
        { id: "edit", icon: "edit", shown: item.canEdit },
        { id: "delete", icon: "trash", shown: item.canDelete },
    ];
    const labels: Readonly<Record<string, string>> = {
        react: t("react"),
        reply: t("reply"),
        copy: t("copy_text"),
        edit: t("edit"),
        delete: t("delete"),
    };
    if (emoji) {
        return (
            <Popover
                className="popover"
                isOpen
                aria-label={t("react")}
                triggerRef={anchor}
                placement={item.own ? "bottom end" : "bottom start"}
                onOpenChange={(open) => !open && close()}
            >
                <AriaDialog className="emoji-picker" aria-label={t("react")}>
                    {EMOJI.map((one) => (
                        <AriaButton
                            key={one}
                            className="emoji-picker__one"
                            aria-label={t("a11y_react_with", { emoji: one })}
                            onPress={() => {
                                void model.toggleReaction(item.eventId, one);
                                close();
                            }}
                        >
                            {one}
                        </AriaButton>
                    ))}
                </AriaDialog>
            </Popover>
        );
    }
    return (
        <Popover
            className="popover"
            isOpen
            aria-label={t("more_actions")}
            triggerRef={anchor}
            placement={item.own ? "bottom end" : "bottom start"}
            onOpenChange={(open) => !open && close()}
        >
            <Menu
                className="menu"
                aria-label={t("more_actions")}
                autoFocus="first"
                shouldCloseOnSelect={false}
                onAction={(key) => {
                    if (key === "react") {
                        setEmoji(true);
                        return;
                    }
                    onClose();
                    act[String(key)]?.();
                    if (key === "copy") target.element.focus();
                }}
            >
                {entries
                    .filter((entry) => entry.shown)
                    .map((entry) => (
                        <MenuItem key={entry.id} id={entry.id} textValue={labels[entry.id] ?? ""} className={`menu__item${entry.id === "delete" ? " menu__item--danger" : ""}`}>
                            <Icon name={entry.icon} />
                            {labels[entry.id]}
                        </MenuItem>
                    ))}
            </Menu>
        </Popover>
    );
}
