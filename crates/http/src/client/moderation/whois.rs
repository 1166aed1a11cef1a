//! `GET /_matrix/client/v3/admin/whois/{userId}`
//!
//! Where somebody is signed in, for themselves and for administrators. Addresses and the names of programs are not
//! kept. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3adminwhoisuserid)

use rohrpost_core::{Result, accounts::whois};
use ruma::api::client::admin::get_user_info::v3::{
    ConnectionInfo, DeviceInfo, Request, Response, SessionInfo,
};

use crate::call::Authed;

pub(crate) async fn whois(Authed { server, caller, .. }: Authed, request: Request) -> Result<Response> {
    let devices = whois::whois(&server, &caller, request.user_id.clone()).await?;
    let mut response = Response::new();
    response.user_id = Some(request.user_id);
    for device in devices {
        let mut connection = ConnectionInfo::new();
        connection.last_seen = device.last_seen;
        let mut session = SessionInfo::new();
        session.connections.push(connection);
        let mut info = DeviceInfo::new();
        info.sessions.push(session);
        response.devices.insert(device.device_id.to_string(), info);
    }
    Ok(response)
}
