// The one place that speaks new messages. The list itself is not live: scrolling, receipts and reactions would make it chatter.
import { useT } from "../../app/i18n.tsx";
import { usePreviewText } from "../../app/preview-text.ts";
import type { Announcement } from "../../vm/timeline-vm.ts";

export function Announcer({ announcement }: { announcement: Announcement | null }) {
    const t = useT();
    const preview = usePreviewText();
    return (
        <div className="sr-only" aria-live="polite" aria-atomic="true" data-testid="announcer">
            {announcement && (
                <span key={announcement.id}>{t("a11y_new_message", { name: announcement.sender, text: preview(announcement.preview) })}</span>
            )}
        </div>
    );
}
