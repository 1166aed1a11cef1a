//! Room aliases.

use ruma::{OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomAliasId};

use crate::{
    Result, RoomNid, StoreError, Tx,
    value::{Row, Value, params},
};

/// A list of rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing<'a> {
    /// This server's own.
    Own,
    /// The rooms of all lists.
    All,
    /// An application service's for one of its networks.
    Network {
        /// The name of the service.
        service: &'a str,
        /// The network, by the service's own name.
        network: &'a str,
    },
}

/// An alias and what it points to.
#[derive(Clone, Debug)]
pub struct AliasRow {
    /// The room's number.
    pub room: RoomNid,
    /// The room.
    pub room_id: OwnedRoomId,
    /// Who made the alias.
    pub creator: OwnedUserId,
}

impl Tx<'_> {
    /// What an alias points to.
    pub async fn alias_get(&mut self, alias: &RoomAliasId) -> Result<Option<AliasRow>> {
        let sql = "SELECT a.room_nid, r.room_id, a.creator FROM room_aliases a JOIN rooms r ON r.nid = a.room_nid WHERE a.alias = $1";
        let Some(row) = self.query_opt(sql, params![alias.as_str()]).await? else {
            return Ok(None);
        };
        Ok(Some(AliasRow {
            room: row.get(0)?,
            room_id: row.get(1)?,
            creator: row.get(2)?,
        }))
    }

    /// Makes an alias. `false`: it is taken.
    pub async fn alias_insert(
        &mut self,
        alias: &RoomAliasId,
        room: RoomNid,
        creator: &ruma::UserId,
    ) -> Result<bool> {
        let sql = "INSERT INTO room_aliases (alias, room_nid, creator) VALUES ($1, $2, $3) ON CONFLICT (alias) DO NOTHING";
        Ok(self.execute(sql, params![alias.as_str(), room, creator]).await? == 1)
    }

    /// Removes an alias. `false`: there is none.
    pub async fn alias_delete(&mut self, alias: &RoomAliasId) -> Result<bool> {
        Ok(self
            .execute(
                "DELETE FROM room_aliases WHERE alias = $1",
                params![alias.as_str()],
            )
            .await?
            == 1)
    }

    /// Lets all aliases of a room lead to another one.
    pub async fn alias_move(&mut self, from: RoomNid, to: RoomNid) -> Result<()> {
        let sql = "UPDATE room_aliases SET room_nid = $2 WHERE room_nid = $1";
        self.execute(sql, params![from, to]).await?;
        Ok(())
    }

    /// The aliases of a room, in order.
    pub async fn alias_list(&mut self, room: RoomNid) -> Result<Vec<OwnedRoomAliasId>> {
        let rows = self
            .query(
                "SELECT alias FROM room_aliases WHERE room_nid = $1 ORDER BY alias LIMIT 1000",
                params![room],
            )
            .await?;
        let parse = |text: String| {
            text.try_into()
                .map_err(|_| StoreError::inconsistent("room_aliases", "alias", "not an alias"))
        };
        rows.iter().map(|row| parse(row.get(0)?)).collect()
    }

    /// What the directory shows of rooms: the current events of these types with an empty state key, as JSON,
    /// with their types. The answer has the order of `rooms`.
    pub async fn directory_state(
        &mut self,
        rooms: &[RoomNid],
        kinds: [&str; 8],
    ) -> Result<Vec<Vec<(String, String)>>> {
        let sql = "SELECT c.kind, e.json FROM current_state c \
                   JOIN events e ON e.nid = c.event_nid AND e.room_nid = c.room_nid \
                   WHERE c.room_nid = $1 AND c.state_key = '' AND c.kind IN ($2, $3, $4, $5, $6, $7, $8, $9)";
        let keys: Vec<Vec<Value<'_>>> = rooms
            .iter()
            .map(|room| {
                let mut params = vec![(*room).into()];
                params.extend(kinds.iter().map(|kind| Value::from(*kind)));
                params
            })
            .collect();
        let answers = self.query_each(sql, &keys).await?;
        let pairs = |rows: &Vec<Row>| rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect();
        answers.iter().map(pairs).collect()
    }

    /// How many rooms a list has.
    pub async fn directory_count(&mut self, list: Listing<'_>) -> Result<i64> {
        let row = match list {
            Listing::Own => {
                self.query_one("SELECT COUNT(*) FROM rooms WHERE is_public = 1", &[])
                    .await
            }
            Listing::All => {
                let sql = "SELECT COUNT(*) FROM rooms r WHERE r.is_public = 1 \
                           OR EXISTS (SELECT 1 FROM appservice_listings l WHERE l.room_nid = r.nid)";
                self.query_one(sql, &[]).await
            }
            Listing::Network { service, network } => {
                let sql =
                    "SELECT COUNT(*) FROM appservice_listings WHERE appservice_id = $1 AND network_id = $2";
                self.query_one(sql, params![service, network]).await
            }
        };
        row?.get(0)
    }

    /// Puts a room on an application service's list for one of its networks.
    pub async fn listing_put(&mut self, room: RoomNid, service: &str, network: &str) -> Result<()> {
        let sql = "INSERT INTO appservice_listings (room_nid, appservice_id, network_id) VALUES ($1, $2, $3) \
                   ON CONFLICT (room_nid, appservice_id, network_id) DO NOTHING";
        self.execute(sql, params![room, service, network]).await?;
        Ok(())
    }

    /// Takes a room off an application service's list. `false`: it wasn't there.
    pub async fn listing_delete(&mut self, room: RoomNid, service: &str, network: &str) -> Result<bool> {
        let sql =
            "DELETE FROM appservice_listings WHERE room_nid = $1 AND appservice_id = $2 AND network_id = $3";
        Ok(self.execute(sql, params![room, service, network]).await? == 1)
    }

    /// How many rooms an application service has on its lists.
    pub async fn listing_count(&mut self, service: &str) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM appservice_listings WHERE appservice_id = $1";
        self.query_one(sql, params![service]).await?.get(0)
    }
}
