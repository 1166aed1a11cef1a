// One message: who, what, when, its state, its reactions. Memoised, because a conversation has hundreds.
import { memo, useId } from "react";
import { Button as AriaButton } from "react-aria-components";
import { FormattedTime, useIntl } from "react-intl";
import { useT, type MessageId } from "../../app/i18n.tsx";
import { usePreviewText } from "../../app/preview-text.ts";
import type { Engine } from "../../matrix/engine.ts";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button, IconButton } from "../../ui/Button.tsx";
import { Icon, type IconName } from "../../ui/Icon.tsx";
import { colourOf } from "../../vm/people.ts";
import type { ComposerVm } from "../../vm/composer-vm.ts";
import type { MessageItem, SendState } from "../../vm/timeline-items.ts";
import type { TimelineVm } from "../../vm/timeline-vm.ts";
import { MessageBody } from "./MessageBody.tsx";
import type { MenuTarget } from "./MessageMenu.tsx";

interface Props {
    engine: Engine;
    model: TimelineVm;
    composer: ComposerVm;
    item: MessageItem;
    /** The message that Tab reaches; the controls inside the others are left out of the way. */
    active: boolean;
    onFocus: (key: string) => void;
    onMenu: (target: MenuTarget) => void;
    onJump: (eventId: string) => void;
}

const STATES: Readonly<Record<SendState, { icon: IconName; text: MessageId }>> = {
    sending: { icon: "clock", text: "state_sending" },
    failed: { icon: "warning", text: "state_failed" },
    sent: { icon: "check", text: "state_sent" },
    read: { icon: "checks", text: "state_read" },
};

export const Message = memo(function Message({ engine, model, composer, item, active, onFocus, onMenu, onJump }: Props) {
    const t = useT();
    const id = useId();
    const openMenu = (element: Element, emoji: boolean) => {
        const row = element.closest<HTMLElement>("[data-row]");
        if (row) onMenu({ item, element: row, emoji });
    };
    const side = `${item.own ? " row--own" : ""}${item.first ? " row--first" : ""}${item.last ? " row--last" : ""}`;
    const usable = item.body.kind !== "deleted" && item.state !== "failed" && item.state !== "sending";
    return (
        <li className={`row${side}`}>
            {!item.own && <span className="row__avatar">{item.last && <Avatar name={item.senderName} seed={item.senderId} size={32} />}</span>}
            {/* The row takes the focus so that arrow keys can walk from message to message. */}
            {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
            <article
                className={`bubble bubble--${item.body.kind}`}
                data-row={item.key}
                data-event={item.eventId}
                // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
                tabIndex={active ? 0 : -1}
                aria-labelledby={`${id}-who ${id}-body ${id}-meta`}
                onFocus={() => onFocus(item.key)}
                onContextMenu={(event) => {
                    // A long press on a touch screen; the mouse keeps the browser's own menu for copying.
                    if ((event.nativeEvent as PointerEvent).pointerType !== "touch") return;
                    event.preventDefault();
                    openMenu(event.currentTarget, false);
                }}
            >
                <span id={`${id}-who`} className={item.first && !item.own ? `bubble__sender name--${colourOf(item.senderId)}` : "sr-only"}>
                    {item.own ? t("you") : item.senderName}
                </span>
                {item.reply && <Quote reply={item.reply} active={active} onJump={onJump} />}
                <div id={`${id}-body`} className="bubble__body">
                    <MessageBody engine={engine} body={item.body} active={active} />
                </div>
                <span id={`${id}-meta`} className="bubble__meta">
                    {item.edited && <span>{t("edited")}</span>}
                    <FormattedTime value={item.time} hour="2-digit" minute="2-digit" />
                    {item.own && (
                        <span className={`state state--${item.state}`}>
                            <Icon name={STATES[item.state].icon} size={16} />
                            <span className="sr-only">{t(STATES[item.state].text)}</span>
                        </span>
                    )}
                </span>
                {item.state === "failed" && (
                    <div className="bubble__failed">
                        <span>{t("state_failed")}</span>
                        <Button small look="secondary" icon="retry" onPress={() => void model.retry(item.eventId)}>
                            {t("send_again")}
                        </Button>
                        <Button small look="tertiary" onPress={() => model.discard(item.eventId)}>
                            {t("discard")}
                        </Button>
                    </div>
                )}
                {usable && (
                    <div className="bubble__tools">
                        <IconButton icon="smile" label={t("react")} excludeFromTabOrder onPress={(event) => openMenu(event.target, true)} />
                        <IconButton icon="reply" label={t("reply")} excludeFromTabOrder onPress={() => composer.replyTo(item)} />
                        <IconButton icon="more" label={t("more_actions")} excludeFromTabOrder onPress={(event) => openMenu(event.target, false)} />
                    </div>
                )}
                <Reactions item={item} active={active} onToggle={(emoji) => void model.toggleReaction(item.eventId, emoji)} />
            </article>
        </li>
    );
});

function Quote({ reply, active, onJump }: { reply: NonNullable<MessageItem["reply"]>; active: boolean; onJump: (eventId: string) => void }) {
    const t = useT();
    const preview = usePreviewText();
    return (
        <AriaButton className="quote" excludeFromTabOrder={!active} onPress={() => onJump(reply.eventId)}>
            {reply.senderName ? (
                <>
                    <strong>{reply.senderName}</strong>
                    <span>{preview(reply.preview)}</span>
                </>
            ) : (
                <span>{t("quote_not_loaded")}</span>
            )}
        </AriaButton>
    );
}

function Reactions({ item, active, onToggle }: { item: MessageItem; active: boolean; onToggle: (emoji: string) => void }) {
    const t = useT();
    const intl = useIntl();
    if (item.reactions.length === 0) return null;
    return (
        <ul className="reactions" aria-label={t("reactions")}>
            {item.reactions.map((reaction) => (
                <li key={reaction.emoji}>
                    <AriaButton
                        className={`reaction${reaction.ownEventId ? " reaction--own" : ""}`}
                        excludeFromTabOrder={!active}
                        aria-pressed={reaction.ownEventId !== null}
                        onPress={() => onToggle(reaction.emoji)}
                    >
                        <span>{reaction.emoji}</span>
                        <span>{reaction.names.length}</span>
                        <span className="sr-only">{t("a11y_reaction", { names: intl.formatList(reaction.names) })}</span>
                    </AriaButton>
                </li>
            ))}
        </ul>
    );
}
