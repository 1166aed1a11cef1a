// One conversation: its header, messages, composer, and on demand its details.
import { useEffect, useRef, useState } from "react";
import { useIntl } from "react-intl";
import { useT } from "../../app/i18n.tsx";
import { navigate } from "../../app/route.ts";
import type { Engine } from "../../matrix/engine.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Avatar } from "../../ui/Avatar.tsx";
import { Button, IconButton } from "../../ui/Button.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { ComposerVm } from "../../vm/composer-vm.ts";
import { TimelineVm } from "../../vm/timeline-vm.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { Composer } from "../composer/Composer.tsx";
import { RoomDetails } from "../details/RoomDetails.tsx";
import { Announcer } from "./Announcer.tsx";
import { Timeline } from "./Timeline.tsx";

interface Props {
    engine: Engine;
    roomId: string;
    onName: (name: string) => void;
}

export function ConversationPane({ engine, roomId, onName }: Props) {
    const t = useT();
    const intl = useIntl();
    const model = useOwnModel(() => new TimelineVm(engine, roomId));
    const composer = useOwnModel(() => new ComposerVm(engine, roomId));
    const { here, name, isPerson, seed, memberCount, typing, announcement, error } = useSnapshot(model);
    const [details, setDetails] = useState(false);
    const pane = useRef<HTMLElement>(null);
    const dropping = useFileDrop(pane, composer.attach);
    useEffect(() => onName(name), [name, onName]);
    if (!here) {
        return (
            <div className="welcome">
                <h1>{t("room_gone_title")}</h1>
                <p>{t("room_gone_text")}</p>
                <Button look="secondary" onPress={() => navigate({ page: "home" })}>
                    {t("back_to_list")}
                </Button>
            </div>
        );
    }
    return (
        <div className="conversation-wrap">
            <section className="conversation" aria-label={t("a11y_conversation", { name })} ref={pane}>
                <header className="conversation__header">
                    <span className="only-phone">
                        <IconButton icon="back" label={t("back_to_list")} onPress={() => navigate({ page: "home" })} />
                    </span>
                    <Avatar name={name} seed={seed} size={40} square={!isPerson} />
                    <div className="conversation__title">
                        <h1>{name}</h1>
                        <p>
                            <Icon name="lock" size={14} />
                            {isPerson ? t("header_private") : t("header_members", { count: memberCount })}
                        </p>
                    </div>
                    <IconButton icon="info" label={t("details")} onPress={() => setDetails(!details)} aria-expanded={details} />
                </header>
                <Timeline engine={engine} model={model} composer={composer} />
                <p className="typing" aria-hidden={typing.length === 0}>
                    {typing.length > 0 && (
                        <>
                            <span className="typing__dots" aria-hidden="true" />
                            {t("typing", { names: intl.formatList(typing.slice(0, 3)), count: typing.length })}
                        </>
                    )}
                </p>
                {error && (
                    <Alert tone="danger" action={<IconButton icon="close" label={t("close")} onPress={model.dismissError} />}>
                        {t(error)}
                    </Alert>
                )}
                <Composer model={composer} roomName={name} />
                {dropping && (
                    <div className="drop-hint" aria-hidden="true">
                        <Icon name="attach" size={40} />
                        {t("drop_here")}
                    </div>
                )}
                <Announcer announcement={announcement} />
            </section>
            {details && <RoomDetails engine={engine} roomId={roomId} onClose={() => setDetails(false)} />}
        </div>
    );
}

/** Files dragged onto the conversation. The attach button does the same for those who don't drag. */
function useFileDrop(place: React.RefObject<HTMLElement | null>, take: (files: Iterable<File>) => void): boolean {
    const [over, setOver] = useState(false);
    useEffect(() => {
        const element = place.current;
        if (!element) return undefined;
        const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
        const onOver = (event: DragEvent) => {
            if (!hasFiles(event)) return;
            event.preventDefault();
            setOver(true);
        };
        const onLeave = (event: DragEvent) => {
            if (!element.contains(event.relatedTarget as Node | null)) setOver(false);
        };
        const onDrop = (event: DragEvent) => {
            if (!hasFiles(event)) return;
            event.preventDefault();
            setOver(false);
            take(event.dataTransfer?.files ?? []);
        };
        element.addEventListener("dragover", onOver);
        element.addEventListener("dragleave", onLeave);
        element.addEventListener("drop", onDrop);
        return () => {
            element.removeEventListener("dragover", onOver);
            element.removeEventListener("dragleave", onLeave);
            element.removeEventListener("drop", onDrop);
        };
    }, [place, take]);
    return over;
}
