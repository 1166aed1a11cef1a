// A file in the conversation: name, size, and the button that fetches and decrypts it.
import { Button as AriaButton } from "react-aria-components";
import { useIntl } from "react-intl";
import { useT } from "../../app/i18n.tsx";
import type { Engine } from "../../matrix/engine.ts";
import { Icon } from "../../ui/Icon.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import { AttachmentVm } from "../../vm/attachment-vm.ts";
import type { MediaInfo } from "../../vm/timeline-items.ts";
import { useOwnModel, useSnapshot } from "../../vm/view-model.ts";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

export function FileCard({ engine, media, active }: { engine: Engine; media: MediaInfo; active: boolean }) {
    const t = useT();
    const intl = useIntl();
    const model = useOwnModel(() => new AttachmentVm(engine, media));
    const { state } = useSnapshot(model);
    const size = (bytes: number): string => {
        const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
        return intl.formatNumber(bytes / 1000 ** step, { style: "unit", unit: UNITS[step] ?? "byte", unitDisplay: "short", maximumFractionDigits: 1 });
    };
    return (
        <AriaButton
            className="file"
            excludeFromTabOrder={!active}
            isDisabled={media.file === null || state === "loading"}
            aria-label={t("a11y_file", { name: media.name })}
            onPress={() => void model.save()}
        >
            <span className="file__icon">
                {state === "loading" ? <Spinner label={t("loading")} /> : <Icon name="file" size={24} />}
            </span>
            <span className="file__text">
                <strong>{media.name}</strong>
                <span>{state === "failed" ? t("file_failed") : media.size === null ? t("file_kind") : size(media.size)}</span>
            </span>
            <Icon name="download" />
        </AriaButton>
    );
}
