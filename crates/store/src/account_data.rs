//! What clients keep with us for their user, per account or per room. Push rules are kept here as well.

use std::collections::HashMap;

use ruma::{OwnedUserId, UserId};

use crate::{
    Result, RoomNid, StreamPos, Tx,
    value::{Row, Value, params},
};

/// The room number for data that isn't about a room.
pub const GLOBAL: RoomNid = RoomNid(0);

/// One piece of account data.
#[derive(Clone, Debug)]
pub struct AccountData {
    /// The room it is about, or [`GLOBAL`].
    pub room: RoomNid,
    /// Its type.
    pub kind: String,
    /// A JSON object.
    pub content: String,
    /// When it last changed.
    pub pos: StreamPos,
}

fn data(row: &Row) -> Result<AccountData> {
    Ok(AccountData {
        room: row.get(0)?,
        kind: row.get(1)?,
        content: row.get(2)?,
        pos: row.get(3)?,
    })
}

impl Tx<'_> {
    /// One piece of account data.
    pub async fn account_data_get(
        &mut self,
        user_id: &UserId,
        room: RoomNid,
        kind: &str,
    ) -> Result<Option<AccountData>> {
        let sql = "SELECT room_nid, kind, content, pos FROM account_data WHERE user_id = $1 AND room_nid = $2 AND kind = $3";
        self.query_opt(sql, params![user_id, room, kind])
            .await?
            .as_ref()
            .map(data)
            .transpose()
    }

    /// Pieces of account data of many users, those that are there.
    pub async fn account_data_get_each(
        &mut self,
        room: RoomNid,
        wanted: &[(&UserId, &str)],
    ) -> Result<HashMap<(OwnedUserId, String), AccountData>> {
        let sql = "SELECT room_nid, kind, content, pos FROM account_data WHERE user_id = $1 AND room_nid = $2 AND kind = $3";
        let keys: Vec<Vec<Value<'_>>> = wanted
            .iter()
            .map(|(user_id, kind)| params![*user_id, room, *kind].to_vec())
            .collect();
        let answers = self.query_each(sql, &keys).await?;
        let mut found = HashMap::new();
        for ((user_id, kind), rows) in wanted.iter().zip(&answers) {
            if let Some(row) = rows.first() {
                found.insert(((*user_id).to_owned(), (*kind).to_owned()), data(row)?);
            }
        }
        Ok(found)
    }

    /// Sets a piece of account data.
    pub async fn account_data_put(&mut self, user_id: &UserId, new: &AccountData) -> Result<()> {
        let sql = "INSERT INTO account_data (user_id, room_nid, kind, content, pos) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (user_id, room_nid, kind) DO UPDATE SET content = excluded.content, pos = excluded.pos";
        self.put(sql, params![user_id, new.room, &new.kind, &new.content, new.pos])
            .await
    }

    /// All account data of a user that changed after `after` up to and including `upto`.
    pub async fn account_data_list(
        &mut self,
        user_id: &UserId,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<Vec<AccountData>> {
        let sql = "SELECT room_nid, kind, content, pos FROM account_data WHERE user_id = $1 AND pos > $2 AND pos <= $3 ORDER BY pos";
        self.query(sql, params![user_id, after, upto])
            .await?
            .iter()
            .map(data)
            .collect()
    }

    /// What a user keeps about one room.
    pub async fn account_data_list_in(
        &mut self,
        user_id: &UserId,
        room: RoomNid,
    ) -> Result<Vec<AccountData>> {
        let sql = "SELECT room_nid, kind, content, pos FROM account_data WHERE user_id = $1 AND room_nid = $2 ORDER BY pos";
        self.query(sql, params![user_id, room])
            .await?
            .iter()
            .map(data)
            .collect()
    }

    /// How much account data a user keeps here: number of pieces.
    pub async fn account_data_count(&mut self, user_id: &UserId) -> Result<i64> {
        self.query_one(
            "SELECT COUNT(*) FROM account_data WHERE user_id = $1",
            params![user_id],
        )
        .await?
        .get(0)
    }

    /// How much account data a user keeps about one room: number of pieces.
    pub async fn account_data_count_in(&mut self, user_id: &UserId, room: RoomNid) -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM account_data WHERE user_id = $1 AND room_nid = $2";
        self.query_one(sql, params![user_id, room]).await?.get(0)
    }

    /// Removes all account data of a user.
    pub async fn account_data_delete_all(&mut self, user_id: &UserId) -> Result<()> {
        self.put("DELETE FROM account_data WHERE user_id = $1", params![user_id])
            .await
    }
}
