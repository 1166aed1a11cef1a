// Starts the messenger itself: everything that needs an account on this device.
import type { ReactNode } from "react";
import { AppVm } from "../vm/app-vm.ts";
import { App } from "./App.tsx";

export function startApp(): ReactNode {
    const app = new AppVm();
    void app.start();
    return <App model={app} />;
}
