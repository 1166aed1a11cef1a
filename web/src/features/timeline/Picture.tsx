// A picture in the conversation, and the same one large.
import { useEffect, useState } from "react";
import { Button as AriaButton } from "react-aria-components";
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Button } from "../../ui/Button.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import { AttachmentVm } from "../../vm/attachment-vm.ts";
import type { MediaInfo } from "../../vm/timeline-items.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";
import { FileCard } from "./FileCard.tsx";

const WIDEST = 360;
const HIGHEST = 320;

/** The place a picture will take, known before it is there, so that nothing jumps. */
function frame(media: MediaInfo): { width: number; height: number } {
    const width = media.width ?? 240;
    const height = media.height ?? 180;
    const scale = Math.min(1, WIDEST / width, HIGHEST / height);
    return { width: Math.max(80, Math.round(width * scale)), height: Math.max(60, Math.round(height * scale)) };
}

export function Picture({ engine, media, active }: { engine: Engine; media: MediaInfo; active: boolean }) {
    const t = useT();
    const model = useOwnModel(() => new AttachmentVm(engine, media));
    const { state, url } = useSnapshot(model);
    const [large, setLarge] = useState(false);
    useEffect(() => void model.showSmall(), [model]);
    if (state === "failed") return <FileCard engine={engine} media={media} active={active} />;
    const size = frame(media);
    return (
        <>
            <AriaButton
                className="picture"
                aria-label={t("a11y_picture", { name: media.name })}
                excludeFromTabOrder={!active}
                isDisabled={!url}
                onPress={() => setLarge(true)}
                style={{ width: size.width, aspectRatio: `${size.width} / ${size.height}` }}
            >
                {url ? <img src={url} alt="" /> : <Spinner label={t("loading")} />}
            </AriaButton>
            {large && <Viewer engine={engine} media={media} onClose={() => setLarge(false)} />}
        </>
    );
}

function Viewer({ engine, media, onClose }: { engine: Engine; media: MediaInfo; onClose: () => void }) {
    const t = useT();
    const model = useOwnModel(() => new AttachmentVm(engine, media));
    const { url } = useSnapshot(model);
    useEffect(() => void model.showFull(), [model]);
    return (
        <Dialog
            title={media.name}
            wide
            onClose={onClose}
            footer={
                <Button look="secondary" icon="download" onPress={() => void model.save()}>
                    {t("download")}
                </Button>
            }
        >
            <div className="viewer">{url ? <img src={url} alt={media.name} /> : <Spinner label={t("loading")} size={36} />}</div>
        </Dialog>
    );
}
