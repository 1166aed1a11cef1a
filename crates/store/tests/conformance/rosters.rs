//! What is kept of the roster of a federation.

use rohrpost_store::RosterRow;

use crate::support::{on_both, read, tx};

fn row(number: u8) -> RosterRow {
    RosterRow {
        trusted: format!("{{\"seq\":{number}}}"),
        document: vec![number, 0, 255],
    }
}

#[test]
fn each_federation_has_the_roster_that_was_accepted_last() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert_eq!(tx.roster_get("bund.example").await?, None);
            assert_eq!(tx.roster_trusted("bund.example").await?, None);
            tx.roster_put("bund.example", &row(1), 5).await?;
            tx.roster_put("land.example", &row(7), 5).await?;
            tx.roster_put("bund.example", &row(2), 6).await?;
            tx.roster_put("bund.example", &row(2), 6).await?;
        });
        let (whole, trusted) = read!(db, |tx| {
            (
                tx.roster_get("bund.example").await?,
                tx.roster_trusted("bund.example").await?,
            )
        });
        assert_eq!(whole, Some(row(2)));
        assert_eq!(trusted, Some(row(2).trusted));
        assert_eq!(read!(db, |tx| tx.roster_get("land.example").await?), Some(row(7)));
    });
}
