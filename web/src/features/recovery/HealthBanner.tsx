// The one banner about keys, with the one action that mends what is wrong.
import { useState } from "react";
import { useT, type MessageId } from "../../app/i18n.tsx";
import type { Health } from "../../crypto/health.ts";
import type { Engine } from "../../matrix/engine.ts";
import { Alert } from "../../ui/Alert.tsx";
import { Button } from "../../ui/Button.tsx";
import type { AppVm } from "../../vm/app-vm.ts";
import { useSnapshot } from "../../vm/view-model.ts";
import { RecoveryDialog } from "./RecoveryDialog.tsx";
import { UnlockDialog } from "./UnlockDialog.tsx";

interface Banner {
    readonly text: MessageId;
    readonly action: MessageId;
    readonly opens: "unlock" | "create" | "anew" | "gate";
}

const BANNERS: Readonly<Record<Exclude<Health, "ok">, Banner>> = {
    needsSetup: { text: "banner_needs_setup", action: "banner_needs_setup_action", opens: "create" },
    needsConfirm: { text: "banner_needs_confirm", action: "banner_needs_confirm_action", opens: "gate" },
    needsKey: { text: "banner_needs_key", action: "banner_needs_key_action", opens: "unlock" },
    backupKeyMissing: { text: "banner_backup_key", action: "banner_needs_key_action", opens: "unlock" },
    reset: { text: "banner_reset", action: "banner_reset_action", opens: "anew" },
};

export function HealthBanner({ app, engine }: { app: AppVm; engine: Engine }) {
    const t = useT();
    const { health } = useSnapshot(engine.encryption);
    const [open, setOpen] = useState<Banner["opens"] | null>(null);
    const banner = health === null || health === "ok" ? null : BANNERS[health];
    const close = () => setOpen(null);
    return (
        <>
            {banner && (
                <Alert
                    tone="warning"
                    action={
                        <Button look="secondary" small onPress={() => (banner.opens === "gate" ? app.passGate() : setOpen(banner.opens))}>
                            {t(banner.action)}
                        </Button>
                    }
                >
                    {t(banner.text)}
                </Alert>
            )}
            {open === "unlock" && <UnlockDialog engine={engine} onClose={close} />}
            {(open === "create" || open === "anew") && <RecoveryDialog app={app} engine={engine} startAnew={false} onClose={close} />}
        </>
    );
}
