// Entry of the page.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App.tsx";
import { applyAppearance, storedAppearance } from "./app/appearance.ts";
import { LanguageProvider } from "./app/i18n.tsx";
import { serviceWorkerUrl } from "./app/trusted-types.ts";
import { AppVm } from "./vm/app-vm.ts";
import "./ui/styles/index.css";

applyAppearance(storedAppearance());

const app = new AppVm();
const place = document.querySelector("#root");
if (!place) throw new Error("the page has no place for the client");
createRoot(place).render(
    <StrictMode>
        <LanguageProvider>
            <App model={app} />
        </LanguageProvider>
    </StrictMode>,
);
void app.start();

// Only the built client has a service worker; under the development server it would hide changes.
if (import.meta.env.PROD && "serviceWorker" in navigator) {
    // Without it the client works as well, only not offline.
    void navigator.serviceWorker.register(serviceWorkerUrl(), { scope: "/" }).catch(() => undefined);
}
