// A preview in words of the chosen language.
import { useCallback } from "react";
import type { Preview } from "../vm/preview.ts";
import { useT } from "./i18n.tsx";

export function usePreviewText(): (preview: Preview) => string {
    const t = useT();
    return useCallback(
        (preview) => {
            switch (preview.kind) {
                case "text":
                    return preview.text;
                case "image":
                    return t("preview_image");
                case "audio":
                    return t("preview_audio");
                case "video":
                    return t("preview_video");
                case "file":
                    return t("preview_file", { name: preview.name });
                case "locked":
                    return t("preview_locked");
                case "unlocking":
                    return t("locked_unlocking");
                case "deleted":
                    return t("message_deleted");
                case "unsupported":
                    return t("message_unsupported");
            }
        },
        [t],
    );
}
