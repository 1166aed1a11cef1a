//! `PUT /_matrix/federation/v1/send/{txnId}`
//!
//! Takes what another server has to tell: events and other news.
//! [Specification](https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid)

use rohrpost_core::{
    Refusal,
    federation::transactions::{self, Transaction},
};
use ruma::api::federation::transactions::send_transaction_message::v1::{Request, Response};

use super::receive::FromServer;
use crate::routes::Routes;

pub(crate) fn routes(routes: &mut Routes) {
    routes.federation_parts(send);
}

async fn send(from: FromServer, request: Request) -> Result<Response, Refusal> {
    let transaction = Transaction {
        origin: from.origin,
        txn_id: request.transaction_id,
        pdus: request.pdus,
        edus: request.edus,
    };
    Ok(Response::new(
        transactions::receive(&from.server, transaction).await?,
    ))
}
