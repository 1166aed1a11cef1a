// Getting an account on this device: sign in with a password, or register with an invitation.
import { MatrixError } from "matrix-js-sdk";
import { callServer, serverUrl } from "./server.ts";
import type { Credentials } from "./vault.ts";

interface LoginAnswer {
    user_id: string;
    device_id: string;
    access_token: string;
    refresh_token?: string;
}

interface UiaAnswer {
    session?: string;
    completed?: string[];
    flows?: { stages: string[] }[];
}

export interface Registration {
    readonly userName: string;
    readonly displayName: string;
    readonly password: string;
    /** Absent where anybody may register. */
    readonly invitation: string | null;
}

/** The name other devices show for this one; plain enough to be recognised in a list. */
function deviceName(): string {
    const agent = navigator.userAgent;
    const browser = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrom/.test(agent) ? "Chrome" : "Safari";
    const system = /Android/.test(agent)
        ? "Android"
        : /iPhone|iPad/.test(agent)
          ? "iOS"
          : /Windows/.test(agent)
            ? "Windows"
            : /Mac OS/.test(agent)
              ? "macOS"
              : "Linux";
    return `Rohrpost (${browser}, ${system})`;
}

function toCredentials(answer: LoginAnswer): Credentials {
    return {
        userId: answer.user_id,
        deviceId: answer.device_id,
        accessToken: answer.access_token,
        ...(answer.refresh_token ? { refreshToken: answer.refresh_token } : {}),
        storageKey: crypto.getRandomValues(new Uint8Array(32)),
    };
}

/** Accepts "mara", "@mara" and "@mara:amt.example"; people copy whatever they were sent. */
export function userNameFromInput(input: string): string {
    const trimmed = input.trim();
    return trimmed.startsWith("@") && !trimmed.includes(":") ? trimmed.slice(1) : trimmed;
}

export async function signIn(userName: string, password: string): Promise<Credentials> {
    // The server's own way for its own client: an operator may have forbidden all other programs to ask for passwords.
    const answer = await callServer<LoginAnswer>("POST", "/_rohrpost/client/v1/login", {
        body: { user: userNameFromInput(userName), password, initial_device_display_name: deviceName() },
    });
    return toCredentials(answer);
}

/** Registers, answering the server's stages one after the other until it is content. */
export async function register(registration: Registration): Promise<Credentials> {
    const base = {
        username: registration.userName,
        password: registration.password,
        initial_device_display_name: deviceName(),
        refresh_token: true,
    };
    let auth: Record<string, unknown> | undefined;
    let lastStage: string | undefined;
    for (;;) {
        try {
            const answer = await callServer<LoginAnswer>("POST", "/_matrix/client/v3/register", {
                body: auth ? { ...base, auth } : base,
            });
            const credentials = toCredentials(answer);
            await setDisplayName(credentials, registration.displayName);
            return credentials;
        } catch (error) {
            if (!(error instanceof MatrixError) || error.httpStatus !== 401) throw error;
            const stage = nextStage(error.data as UiaAnswer, registration.invitation !== null);
            // The same stage asked for twice means that the server didn't accept our answer to it.
            if (!stage || stage === lastStage) throw error;
            lastStage = stage;
            auth = {
                type: stage,
                session: (error.data as UiaAnswer).session,
                ...(stage === "m.login.registration_token" ? { token: registration.invitation } : {}),
            };
        }
    }
}

/** The next stage we can answer, or undefined if the server asks for something this client doesn't know. */
export function nextStage(answer: UiaAnswer, haveInvitation: boolean): string | undefined {
    const known = haveInvitation ? ["m.login.registration_token", "m.login.dummy"] : ["m.login.dummy"];
    const possible = (answer.flows ?? []).filter((flow) => flow.stages.every((stage) => known.includes(stage)));
    // An invitation may do more than let somebody in, so it is shown where nobody needs one, too.
    const flow = possible.find((one) => one.stages.includes("m.login.registration_token")) ?? possible[0];
    return flow?.stages.find((stage) => !(answer.completed ?? []).includes(stage));
}

async function setDisplayName(credentials: Credentials, displayName: string): Promise<void> {
    const path = `/_matrix/client/v3/profile/${encodeURIComponent(credentials.userId)}/displayname`;
    try {
        await callServer("PUT", path, { token: credentials.accessToken, body: { displayname: displayName } });
    } catch (error) {
        // An organisation may fix names itself; the account exists all the same.
        if (!(error instanceof MatrixError)) throw error;
    }
}

export async function signOutOnServer(accessToken: string): Promise<void> {
    await fetch(`${serverUrl()}/_matrix/client/v3/logout`, { method: "POST", headers: { Authorization: `Bearer ${accessToken}` } });
}
