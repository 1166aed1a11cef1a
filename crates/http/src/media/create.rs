//! `POST /_matrix/media/v1/create`
//!
//! Makes an address for a file that is uploaded later. [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav1create)

use rohrpost_core::{Result, media};
use ruma::{
    MilliSecondsSinceUnixEpoch, UInt,
    api::client::media::create_mxc_uri::v1::{Request, Response},
};

use crate::call::Authed;

pub(crate) async fn create(Authed { server, caller, .. }: Authed, _: Request) -> Result<Response> {
    let created = media::create::create(&server, caller).await?;
    let mut response = Response::new(created.address);
    let expires_ts = UInt::new_saturating(created.expires_ts.unsigned_abs());
    response.unused_expires_at = Some(MilliSecondsSinceUnixEpoch(expires_ts));
    Ok(response)
}
