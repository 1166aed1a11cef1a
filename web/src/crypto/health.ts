// Encryption health: one pure function from what is known to the one thing that a person may have to do.
//
// Everything that other clients scatter over listeners and toasts is decided here, so that there is one banner with one action and
// no two parts of the screen can disagree.

export interface HealthFacts {
    /** The account has an identity (cross-signing keys) on the server. */
    readonly identityExists: boolean;
    /** This device is signed by that identity. */
    readonly deviceConfirmed: boolean;
    /** The private halves of the identity are on this device. */
    readonly identityKeysHere: boolean;
    /** A recovery key is registered for the account. */
    readonly recoveryKeyExists: boolean;
    /** Everything that the recovery key should open is really stored under it. */
    readonly recoveryComplete: boolean;
    /** The server has a backup of the message keys. */
    readonly backupExists: boolean;
    /** This device writes to that backup and can read it. */
    readonly backupActive: boolean;
}

export type Health =
    /** Nothing to do. */
    | "ok"
    /** First device of the account, or a recovery key was never made: make one. */
    | "needsSetup"
    /** The account has confirmed devices, this one isn't: confirm it. */
    | "needsConfirm"
    /** This device is confirmed but lacks keys that the recovery key opens: enter it once. */
    | "needsKey"
    /** As above, and only the key of the backup is missing: older messages stay locked until it is entered. */
    | "backupKeyMissing"
    /** What is stored is incomplete and can't be completed from here: make a new recovery key. */
    | "reset";

export function encryptionHealth(facts: HealthFacts): Health {
    if (!facts.identityExists) return "needsSetup";
    if (!facts.deviceConfirmed) return "needsConfirm";
    if (!facts.recoveryKeyExists) return facts.identityKeysHere ? "needsSetup" : "reset";
    if (!facts.recoveryComplete) return "reset";
    if (!facts.identityKeysHere) return "needsKey";
    if (!facts.backupExists) return "reset";
    if (!facts.backupActive) return "backupKeyMissing";
    return "ok";
}
