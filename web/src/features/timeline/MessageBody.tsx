// What a message says, by kind.
import { useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useT } from "../../app/i18n.tsx";
import { LOCKED_TEXT } from "../../crypto/locked.ts";
import type { Engine } from "../../matrix/engine.ts";
import { Icon } from "../../ui/Icon.tsx";
import type { MessageBody as Body } from "../../vm/timeline-items.ts";
import { splitLinks } from "../../vm/links.ts";
import { UnlockDialog } from "../recovery/UnlockDialog.tsx";
import { FileCard } from "./FileCard.tsx";
import { Picture } from "./Picture.tsx";

export function MessageBody({ engine, body, active }: { engine: Engine; body: Body; active: boolean }) {
    const t = useT();
    switch (body.kind) {
        case "text":
            return <Text text={body.text} />;
        case "image":
            return <Picture key={body.media.file?.url} engine={engine} media={body.media} active={active} />;
        case "file":
            return <FileCard key={body.media.file?.url} engine={engine} media={body.media} active={active} />;
        case "locked":
            return (
                <span className="locked">
                    <Icon name="lock" size={18} />
                    {body.reason === "needsKey" ? <UnlockHere engine={engine} active={active} /> : t(LOCKED_TEXT[body.reason])}
                </span>
            );
        case "deleted":
            return (
                <span className="locked">
                    <Icon name="trash" size={16} />
                    {t("message_deleted")}
                </span>
            );
        case "unsupported":
            return <span className="locked">{t("message_unsupported")}</span>;
    }
}

/** Up to three emoji and nothing else are drawn large, as everywhere. */
const ONLY_EMOJI = /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F?)(?:\u200D?(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F?|\p{Emoji_Modifier})){0,4}$/u;

function Text({ text }: { text: string }) {
    const big = ONLY_EMOJI.test(text.trim());
    return (
        <p className={`text${big ? " text--big" : ""}`} dir="auto">
            {splitLinks(text).map((part, index) =>
                part.link ? (
                    // Parts of one fixed text never change places.
                    // oxlint-disable-next-line react/no-array-index-key
                    <a key={index} href={part.link} target="_blank" rel="noreferrer noopener">
                        {part.text}
                    </a>
                ) : (
                    part.text
                ),
            )}
        </p>
    );
}

function UnlockHere({ engine, active }: { engine: Engine; active: boolean }) {
    const t = useT();
    const [open, setOpen] = useState(false);
    return (
        <>
            <AriaButton className="link-button" excludeFromTabOrder={!active} onPress={() => setOpen(true)}>
                {t(LOCKED_TEXT.needsKey)}
            </AriaButton>
            {open && <UnlockDialog engine={engine} onClose={() => setOpen(false)} />}
        </>
    );
}
