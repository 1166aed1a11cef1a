//! Endpoints for e-mail addresses.

use serde_json::json;

use super::{
    given::{account_with_address, confirmed_addresses, owned_address},
    row::{Again::Refused, Row, Unknown, Who::Nobody, row},
};

const ASK: &str = "whoever asks doesn't learn whether an account has the address; its owner is told";

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let request = json!({ "client_secret": "secret", "email": "new{number}@amt.example", "send_attempt": 1 });
    let ask = |path| row("POST", path).by(Nobody).body(request.clone()).gives("/sid").unknown("/email", Unknown::Fine(ASK));
    let session = json!({ "sid": "{sid}", "client_secret": "secret" });
    vec![
        ask("/_matrix/client/v3/account/3pid/email/requestToken").given(owned_address),
        ask("/_matrix/client/v3/account/password/email/requestToken").given(owned_address),
        ask("/_matrix/client/v3/register/email/requestToken").by_mail().given(account_with_address),
        row("POST", "/_matrix/client/v3/account/3pid/add").given(confirmed_addresses).confirm().body(session.clone())
            .unknown("/sid", Unknown::Refused(400, "M_THREEPID_AUTH_FAILED")).again(Refused(400, "M_THREEPID_AUTH_FAILED")),
        row("POST", "/_matrix/client/v3/account/3pid").given(confirmed_addresses).confirm().body(json!({ "three_pid_creds": session }))
            .unknown("/three_pid_creds/sid", Unknown::Refused(403, "M_THREEPID_AUTH_FAILED")).again(Refused(403, "M_THREEPID_AUTH_FAILED")),
    ]
}
