// Somebody who is signed in opens an invitation link: an invitation makes a new account, so this one would have to go first.
import type { AppVm } from "../vm/app-vm.ts";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { useT } from "./i18n.tsx";
import { replaceRoute, type Route } from "./route.ts";

const HOME: Route = { page: "home" };

export function InvitationWhileSignedIn({ app }: { app: AppVm }) {
    const t = useT();
    const engine = app.getSnapshot().engine;
    return (
        <Dialog
            title={t("invitation_signed_in_title")}
            onClose={() => replaceRoute(HOME)}
            footer={<Button onPress={() => replaceRoute(HOME)}>{t("invitation_stay")}</Button>}
        >
            <p>{t("invitation_signed_in_text", { user: engine?.client.getUserId() ?? "" })}</p>
        </Dialog>
    );
}
