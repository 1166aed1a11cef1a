// What an invitation link opens.
import type { About } from "../../matrix/server.ts";
import { replaceRoute } from "../../app/route.ts";
import type { AppVm } from "../../vm/app-vm.ts";
import { RegistrationPage } from "./RegistrationPage.tsx";

export function InvitationPage({ app, about, token }: { app: AppVm; about: About; token: string }) {
    return <RegistrationPage app={app} about={about} token={token} onBack={() => replaceRoute({ page: "home" })} />;
}
