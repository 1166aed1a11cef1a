// The messages: an ordered list that grows upwards, walked with arrow keys, with a menu on each message.
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from "react";
import { FormattedDate } from "react-intl";
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Button, IconButton } from "../../ui/Button.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import type { ComposerVm } from "../../vm/composer-vm.ts";
import type { MessageItem } from "../../vm/timeline-items.ts";
import type { TimelineVm } from "../../vm/timeline-vm.ts";
import { useSnapshot } from "../../vm/view-model.ts";
import { DeleteDialog } from "./DeleteDialog.tsx";
import { Message } from "./Message.tsx";
import { MessageMenu, type MenuTarget } from "./MessageMenu.tsx";

/** So close to the end counts as at the end. */
const END_SLACK = 60;
const NEAR_START = 300;

export function Timeline({ engine, model, composer }: { engine: Engine; model: TimelineVm; composer: ComposerVm }) {
    const t = useT();
    const { items, hasOlder, loadingOlder, name } = useSnapshot(model);
    const scroller = useRef<HTMLDivElement>(null);
    const list = useRef<HTMLOListElement>(null);
    const [menu, setMenu] = useState<MenuTarget | null>(null);
    const [deleting, setDeleting] = useState<MessageItem | null>(null);
    const { atEnd, toEnd, onScroll } = useScrolling(scroller, items, model);
    const messages = items.filter((item) => item.kind === "message");
    const [focusedKey, setFocusedKey] = useState<string | null>(null);
    // One message is reachable by Tab: the one focused last, the newest at first.
    const tabKey = messages.some((item) => item.key === focusedKey) ? focusedKey : (messages.at(-1)?.key ?? null);

    const onKeyDown = (event: KeyboardEvent<HTMLOListElement>) => {
        const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
        if (!row || !list.current) return;
        const rows = [...list.current.querySelectorAll<HTMLElement>("[data-row]")];
        const index = rows.indexOf(row);
        const goal = { ArrowUp: rows[index - 1], ArrowDown: rows[index + 1], Home: rows[0], End: rows.at(-1) }[event.key];
        if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey) || (event.key === "Enter" && event.target === row)) {
            const item = messages.find((one) => one.key === row.dataset["row"]);
            event.preventDefault();
            if (item) setMenu({ item, element: row, emoji: false });
        } else if (goal && event.target === row) {
            event.preventDefault();
            goal.focus();
            if (event.key === "ArrowUp" && index < 3) void model.loadOlder();
        }
    };

    const jumpTo = useCallback((eventId: string) => {
        const row = list.current?.querySelector<HTMLElement>(`[data-event="${CSS.escape(eventId)}"]`);
        row?.scrollIntoView({ block: "center" });
        row?.focus();
    }, []);

    return (
        <div className="timeline" ref={scroller} onScroll={onScroll}>
            <div className="timeline__start">
                {loadingOlder ? (
                    <Spinner label={t("loading_older")} />
                ) : (
                    hasOlder && (
                        <Button look="tertiary" small onPress={() => void model.loadOlder()}>
                            {t("load_older")}
                        </Button>
                    )
                )}
            </div>
            {/* Arrow keys walk the messages; the rows inside carry the focus. */}
            {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
            <ol className="timeline__list" ref={list} aria-label={t("a11y_messages", { name })} onKeyDown={onKeyDown}>
                {items.map((item) => {
                    if (item.kind === "day") {
                        return (
                            <li key={item.key} className="day">
                                <span>
                                    <FormattedDate value={item.time} weekday="long" day="numeric" month="long" year="numeric" />
                                </span>
                            </li>
                        );
                    }
                    if (item.kind === "notice") {
                        return (
                            <li key={item.key} className="notice">
                                <span>{t(item.text, item.values)}</span>
                            </li>
                        );
                    }
                    return (
                        <Message
                            key={item.key}
                            engine={engine}
                            model={model}
                            composer={composer}
                            item={item}
                            active={item.key === tabKey}
                            onFocus={setFocusedKey}
                            onMenu={setMenu}
                            onJump={jumpTo}
                        />
                    );
                })}
            </ol>
            {!atEnd && (
                <div className="timeline__to-end">
                    <IconButton icon="down" label={t("to_newest")} onPress={toEnd} />
                </div>
            )}
            {menu && <MessageMenu target={menu} model={model} composer={composer} onDelete={setDeleting} onClose={() => setMenu(null)} />}
            {deleting && (
                <DeleteDialog
                    onClose={() => setDeleting(null)}
                    onDelete={() => {
                        void model.deleteMessage(deleting.eventId);
                        setDeleting(null);
                    }}
                />
            )}
        </div>
    );
}

/** Stays at the end while one is there, stays where one reads otherwise, and fetches more near the start. */
function useScrolling(scroller: React.RefObject<HTMLDivElement | null>, items: readonly { readonly key: string }[], model: TimelineVm) {
    const [atEnd, setAtEnd] = useState(true);
    const before = useRef({ atEnd: true, firstKey: "", height: 0 });

    const look = useCallback(() => {
        const element = scroller.current;
        if (!element) return;
        const end = element.scrollHeight - element.scrollTop - element.clientHeight < END_SLACK;
        before.current.atEnd = end;
        setAtEnd(end);
        if (end && document.visibilityState === "visible" && document.hasFocus()) model.markRead();
        if (element.scrollTop < NEAR_START && element.scrollHeight > element.clientHeight) void model.loadOlder();
    }, [scroller, model]);

    useLayoutEffect(() => {
        const element = scroller.current;
        if (!element) return;
        const firstKey = items[0]?.key ?? "";
        if (before.current.atEnd) element.scrollTo({ top: element.scrollHeight });
        else if (firstKey !== before.current.firstKey && element.scrollTop < NEAR_START) {
            // Older messages came in above: keep what is being read in its place.
            element.scrollBy({ top: element.scrollHeight - before.current.height });
        }
        before.current = { ...before.current, firstKey, height: element.scrollHeight };
        // Nothing to scroll means nothing that would ever ask for more.
        if (element.scrollHeight <= element.clientHeight && model.getSnapshot().error === null) void model.loadOlder();
        if (before.current.atEnd && document.visibilityState === "visible" && document.hasFocus()) model.markRead();
    }, [items, scroller, model]);

    useEffect(() => {
        const element = scroller.current;
        if (!element) return undefined;
        // Pictures that load and a growing composer change the height without a new message.
        const observer = new ResizeObserver(() => {
            if (before.current.atEnd) element.scrollTo({ top: element.scrollHeight });
            before.current.height = element.scrollHeight;
        });
        observer.observe(element);
        for (const child of element.children) observer.observe(child);
        globalThis.addEventListener("focus", look);
        document.addEventListener("visibilitychange", look);
        return () => {
            observer.disconnect();
            globalThis.removeEventListener("focus", look);
            document.removeEventListener("visibilitychange", look);
        };
    }, [scroller, look]);

    const toEnd = useCallback(() => {
        scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
    }, [scroller]);
    return { atEnd, toEnd, onScroll: look };
}
