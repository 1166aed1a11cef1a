// Turns whatever went wrong into the id of a sentence that says what to do next.
import { ConnectionError, MatrixError } from "matrix-js-sdk/lib/http-api/errors.js";
import type { MessageId } from "../app/i18n.tsx";

const BY_CODE: Readonly<Record<string, MessageId>> = {
    M_FORBIDDEN: "error_forbidden",
    M_LIMIT_EXCEEDED: "error_limit",
    M_USER_DEACTIVATED: "error_deactivated",
    M_USER_IN_USE: "error_user_in_use",
    M_EXCLUSIVE: "error_user_in_use",
    M_INVALID_USERNAME: "error_invalid_username",
    M_WEAK_PASSWORD: "error_weak_password",
    M_PASSWORD_TOO_SHORT: "error_weak_password",
    M_PASSWORD_TOO_LONG: "error_password_too_long",
    M_TOO_LARGE: "error_too_large",
    M_NOT_FOUND: "error_not_found",
    M_UNKNOWN_TOKEN: "error_signed_out",
};

export function errorText(error: unknown): MessageId {
    if (error instanceof ConnectionError || (error instanceof TypeError && /fetch/i.test(error.message))) return "error_offline";
    if (error instanceof MatrixError) {
        const known = error.errcode === undefined ? undefined : BY_CODE[error.errcode];
        if (known) return known;
        if ((error.httpStatus ?? 0) >= 500) return "error_server";
    }
    return "error_unknown";
}

/** The server refuses the password with the same code it uses for everything forbidden; here we know what was meant. */
export function signInErrorText(error: unknown): MessageId {
    return error instanceof MatrixError && error.errcode === "M_FORBIDDEN" ? "error_wrong_password" : errorText(error);
}

export function registrationErrorText(error: unknown): MessageId {
    if (error instanceof MatrixError && (error.errcode === "M_UNAUTHORIZED" || error.httpStatus === 401)) return "error_invitation_refused";
    return error instanceof MatrixError && error.errcode === "M_FORBIDDEN" ? "error_registration_refused" : errorText(error);
}
