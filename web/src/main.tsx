// Entry of the page. The pages for signing in to other programs and for the account stand alone: they load neither the messenger nor
// its encryption.
import { StrictMode, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { applyAppearance, storedAppearance } from "./app/appearance.ts";
import { LanguageProvider } from "./app/i18n.tsx";
import { accountPage } from "./app/route.ts";
import { serviceWorkerUrl } from "./app/trusted-types.ts";
import "./ui/styles/index.css";

applyAppearance(storedAppearance());

const place = document.querySelector("#root");
if (!place) throw new Error("the page has no place for the client");
const root = createRoot(place);
const show = (content: ReactNode) =>
    root.render(
        <StrictMode>
            <LanguageProvider>{content}</LanguageProvider>
        </StrictMode>,
    );

const page = accountPage(globalThis.location.pathname);
if (page) void import("./features/oauth/OAuthPages.tsx").then(({ OAuthPages }) => show(<OAuthPages page={page} />));
else void import("./app/start.tsx").then(({ startApp }) => show(startApp()));

// Only the built client has a service worker; under the development server it would hide changes.
if (import.meta.env.PROD && !page && "serviceWorker" in navigator) {
    // Without it the client works as well, only not offline.
    void navigator.serviceWorker.register(serviceWorkerUrl(), { scope: "/" }).catch(() => undefined);
}
