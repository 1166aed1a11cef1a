//! Changes in a server's database that no use case makes: what damage and other versions leave behind.

use rohrpost_core::Refusal;
use rohrpost_store::{Tx, Work};
use ruma::{OwnedEventId, OwnedRoomId};

use crate::TestServer;

enum Meddle {
    Poison,
    Pass { by_us: bool },
}

struct Meddling {
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
    meddle: Meddle,
}

impl Work for Meddling {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Refusal> {
        let room = tx.room_get(&self.room_id).await?;
        let room = room.ok_or_else(|| Refusal::not_found("room"))?;
        let event = tx.event_get(room.nid, &self.event_id).await?;
        let event = event.ok_or_else(|| Refusal::not_found("event"))?;
        match self.meddle {
            Meddle::Poison => {
                let json = event
                    .json
                    .replace("\"depth\":", "\"depth\":9007199254740993,\"was\":");
                tx.event_redact(room.nid, event.nid, &json, &self.event_id)
                    .await?;
            }
            Meddle::Pass { by_us } => tx.outbox_pass(event.nid, by_us).await?,
        }
        Ok(())
    }
}

impl TestServer {
    async fn meddle(&self, room_id: &str, event_id: &str, meddle: Meddle) {
        let meddling = Meddling {
            room_id: OwnedRoomId::try_from(room_id.to_owned()).expect("a room id"),
            event_id: OwnedEventId::try_from(event_id.to_owned()).expect("an event id"),
            meddle,
        };
        self.core()
            .store
            .write(meddling)
            .await
            .expect("the event is there");
    }

    /// Makes a stored event one that no server can take: its depth is no integer of JSON.
    pub async fn poison(&self, room_id: &str, event_id: &str) {
        self.meddle(room_id, event_id, Meddle::Poison).await;
    }

    /// Notes that an event is passed on by this server (`by_us`) or by another one, whoever sent it.
    pub async fn pass(&self, room_id: &str, event_id: &str, by_us: bool) {
        self.meddle(room_id, event_id, Meddle::Pass { by_us }).await;
    }
}
