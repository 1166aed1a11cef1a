// Which screen is due.
import { useSnapshot } from "../vm/view-model.ts";
import type { AppVm } from "../vm/app-vm.ts";
import { RecoveryGate } from "../features/recovery/RecoveryGate.tsx";
import { InvitationPage } from "../features/sign-in/InvitationPage.tsx";
import { SignInPage } from "../features/sign-in/SignInPage.tsx";
import { ConfirmGate } from "../features/verification/ConfirmGate.tsx";
import { Button } from "../ui/Button.tsx";
import { Spinner } from "../ui/Spinner.tsx";
import { CenterPage } from "./CenterPage.tsx";
import { useT } from "./i18n.tsx";
import { useRoute } from "./route.ts";
import { Shell } from "./Shell.tsx";

export function App({ model }: { model: AppVm }) {
    const t = useT();
    const route = useRoute();
    const { phase, about, engine, endedElsewhere } = useSnapshot(model);
    switch (phase) {
        case "loading":
        case "starting":
            return (
                <main className="splash">
                    <Spinner label={t("starting")} size={36} />
                </main>
            );
        case "unreachable":
            return (
                <CenterPage title={t("unreachable_title")} lead={t("unreachable_text")}>
                    <Button block onPress={() => void model.start()}>
                        {t("try_again")}
                    </Button>
                </CenterPage>
            );
        case "otherTab":
            return (
                <CenterPage title={t("other_tab_title")} lead={t("other_tab_text")}>
                    <Button block onPress={() => void model.start(true)}>
                        {t("other_tab_use_here")}
                    </Button>
                </CenterPage>
            );
        case "signedOut":
            if (!about) return null;
            if (route.page === "invite") return <InvitationPage key={route.token} app={model} about={about} token={route.token} />;
            return <SignInPage app={model} about={about} endedElsewhere={endedElsewhere} />;
        case "setup":
            return engine && <RecoveryGate app={model} engine={engine} startAnew={false} onDone={model.passGate} />;
        case "confirm":
            return engine && <ConfirmGate app={model} engine={engine} />;
        case "ready":
            return engine && <Shell app={model} engine={engine} />;
    }
}
