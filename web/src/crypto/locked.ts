// Why a message can't be read, in one of four plain sentences.
import { DecryptionFailureCode } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { MessageId } from "../app/i18n.tsx";

export type LockedReason = "unlocking" | "needsKey" | "noAccess" | "untrusted";

const REASONS: Readonly<Record<DecryptionFailureCode, LockedReason>> = {
    [DecryptionFailureCode.HISTORICAL_MESSAGE_WORKING_BACKUP]: "unlocking",
    [DecryptionFailureCode.MEGOLM_UNKNOWN_INBOUND_SESSION_ID]: "unlocking",
    [DecryptionFailureCode.OLM_UNKNOWN_MESSAGE_INDEX]: "unlocking",
    [DecryptionFailureCode.UNKNOWN_ERROR]: "unlocking",
    [DecryptionFailureCode.HISTORICAL_MESSAGE_NO_KEY_BACKUP]: "needsKey",
    [DecryptionFailureCode.HISTORICAL_MESSAGE_BACKUP_UNCONFIGURED]: "needsKey",
    [DecryptionFailureCode.HISTORICAL_MESSAGE_USER_NOT_JOINED]: "noAccess",
    [DecryptionFailureCode.MEGOLM_KEY_WITHHELD]: "noAccess",
    [DecryptionFailureCode.MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE]: "noAccess",
    [DecryptionFailureCode.SENDER_IDENTITY_PREVIOUSLY_VERIFIED]: "untrusted",
    [DecryptionFailureCode.UNSIGNED_SENDER_DEVICE]: "untrusted",
    [DecryptionFailureCode.UNKNOWN_SENDER_DEVICE]: "untrusted",
};

export function lockedReason(code: DecryptionFailureCode | null): LockedReason {
    return code === null ? "unlocking" : (REASONS[code] ?? "unlocking");
}

export const LOCKED_TEXT: Readonly<Record<LockedReason, MessageId>> = {
    unlocking: "locked_unlocking",
    needsKey: "locked_needs_key",
    noAccess: "locked_no_access",
    untrusted: "locked_untrusted",
};
