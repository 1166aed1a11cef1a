// One's own account: name, devices, and invitation links for administrators.
import { ClientEvent, type IMyDevice } from "matrix-js-sdk";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { MessageId } from "../app/i18n.tsx";
import { PasswordRefused, withPassword } from "../crypto/encryption.ts";
import type { Engine } from "../matrix/engine.ts";
import { errorText } from "../matrix/errors.ts";
import { createInvitation, type Invitation } from "../matrix/server.ts";
import { coalesce, listen } from "./listen.ts";
import { localPart } from "./people.ts";
import { ViewModel } from "./view-model.ts";

export interface DeviceRow {
    readonly id: string;
    readonly name: string;
    readonly lastSeen: number | null;
    readonly confirmed: boolean;
    readonly current: boolean;
}

export interface SettingsSnapshot {
    readonly userId: string;
    readonly displayName: string;
    readonly administrator: boolean;
    readonly saved: boolean;
    readonly devices: readonly DeviceRow[] | null;
    /** Waits for the password before a device is signed out. */
    readonly removing: string | null;
    readonly busy: boolean;
    readonly error: MessageId | null;
    readonly removeError: MessageId | null;
}

export class SettingsVm extends ViewModel<SettingsSnapshot> {
    readonly #engine: Engine;

    constructor(engine: Engine) {
        const userId = engine.client.getSafeUserId();
        super({
            userId,
            displayName: engine.client.getUser(userId)?.displayName ?? localPart(userId),
            administrator: engine.administrator,
            saved: false,
            devices: null,
            removing: null,
            busy: false,
            error: null,
            removeError: null,
        });
        this.#engine = engine;
        const look = coalesce(() => void this.loadDevices(), 300);
        this.onDispose(listen(engine.client as never, [CryptoEvent.DevicesUpdated, CryptoEvent.UserTrustStatusChanged, ClientEvent.AccountData], look.trigger));
        this.onDispose(look.cancel);
        void this.#loadName();
        void this.loadDevices();
    }

    async #loadName(): Promise<void> {
        const profile = await this.#engine.client.getProfileInfo(this.getSnapshot().userId).catch(() => null);
        if (profile?.displayname) this.update({ displayName: profile.displayname });
    }

    readonly loadDevices = async (): Promise<void> => {
        const { client, crypto } = this.#engine;
        try {
            const { devices } = await client.getDevices();
            const rows = await Promise.all(devices.map((device) => this.#row(device, crypto)));
            rows.sort((one, other) => Number(other.current) - Number(one.current) || (other.lastSeen ?? 0) - (one.lastSeen ?? 0));
            this.update({ devices: rows });
        } catch (error) {
            this.update({ error: errorText(error) });
        }
    };

    async #row(device: IMyDevice, crypto: Engine["crypto"]): Promise<DeviceRow> {
        const status = await crypto.getDeviceVerificationStatus(this.getSnapshot().userId, device.device_id);
        return {
            id: device.device_id,
            name: device.display_name ?? device.device_id,
            lastSeen: device.last_seen_ts ?? null,
            confirmed: status?.crossSigningVerified ?? false,
            current: device.device_id === this.#engine.client.getDeviceId(),
        };
    }

    readonly saveName = async (name: string): Promise<void> => {
        if (name.trim() === "") return;
        this.update({ busy: true, saved: false, error: null });
        try {
            await this.#engine.client.setDisplayName(name.trim());
            this.update({ displayName: name.trim(), saved: true });
        } catch (error) {
            this.update({ error: errorText(error) });
        } finally {
            this.update({ busy: false });
        }
    };

    readonly askToRemove = (deviceId: string | null): void => this.update({ removing: deviceId, removeError: null });

    readonly removeDevice = async (password: string): Promise<void> => {
        const deviceId = this.getSnapshot().removing;
        if (!deviceId) return;
        this.update({ busy: true, removeError: null });
        try {
            const { client } = this.#engine;
            await withPassword(client, () => Promise.resolve(password), (auth) => client.deleteDevice(deviceId, auth ?? undefined));
            this.update({ removing: null });
            await this.loadDevices();
        } catch (error) {
            this.update({ removeError: error instanceof PasswordRefused ? "error_wrong_password" : errorText(error) });
        } finally {
            this.update({ busy: false });
        }
    };
}

export interface InviteLinkSnapshot {
    readonly invitation: Invitation | null;
    readonly busy: boolean;
    readonly error: MessageId | null;
}

export class InviteLinkVm extends ViewModel<InviteLinkSnapshot> {
    readonly #engine: Engine;

    constructor(engine: Engine) {
        super({ invitation: null, busy: false, error: null });
        this.#engine = engine;
    }

    readonly create = async (options: { uses: number; days: number; administrator: boolean }): Promise<void> => {
        this.update({ busy: true, error: null });
        try {
            const token = this.#engine.client.getAccessToken() ?? "";
            this.update({ invitation: await createInvitation(token, options) });
        } catch (error) {
            this.update({ error: errorText(error) });
        } finally {
            this.update({ busy: false });
        }
    };

    readonly another = (): void => this.update({ invitation: null });
}
