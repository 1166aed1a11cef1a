//! Rooms in which something happened that is no event: receipts and typing.

use ruma::UserId;

use crate::{Result, RoomNid, StreamPos, Tx, value::params};

/// What happens in rooms besides events. Each is a row that carries the position at which we heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomNews {
    /// Somebody read something.
    Receipts,
    /// Somebody began or stopped to type.
    Typing,
}

// SQLite keeps the order of a CROSS JOIN: a short stretch of the stream, then whether the user is there.
macro_rules! near {
    ($table:literal) => {
        concat!(
            "SELECT DISTINCT n.room_nid FROM ",
            $table,
            " n CROSS JOIN memberships m WHERE m.room_nid = n.room_nid \
             AND n.pos > $2 AND n.pos <= $3 AND m.user_id = $1 AND m.membership = 'join'"
        )
    };
}

macro_rules! far {
    ($table:literal) => {
        concat!(
            "SELECT m.room_nid FROM memberships m WHERE m.user_id = $1 AND m.membership = 'join' \
             AND EXISTS (SELECT 1 FROM ",
            $table,
            " n WHERE n.room_nid = m.room_nid AND n.pos > $2 AND n.pos <= $3)"
        )
    };
}

impl Tx<'_> {
    /// Rooms a user is joined to with such news after `after` up to and including `upto`, by reading the stream.
    pub async fn room_news(
        &mut self,
        news: RoomNews,
        user_id: &UserId,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<Vec<RoomNid>> {
        let sql = match news {
            RoomNews::Receipts => near!("receipts"),
            RoomNews::Typing => near!("typing"),
        };
        self.rooms(sql, user_id, after, upto).await
    }

    /// The same by asking each room of the user: for long stretches of the stream.
    pub async fn room_news_far(
        &mut self,
        news: RoomNews,
        user_id: &UserId,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<Vec<RoomNid>> {
        let sql = match news {
            RoomNews::Receipts => far!("receipts"),
            RoomNews::Typing => far!("typing"),
        };
        self.rooms(sql, user_id, after, upto).await
    }

    async fn rooms(
        &mut self,
        sql: &'static str,
        user_id: &UserId,
        after: StreamPos,
        upto: StreamPos,
    ) -> Result<Vec<RoomNid>> {
        let rows = self.query(sql, params![user_id, after, upto]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }
}
