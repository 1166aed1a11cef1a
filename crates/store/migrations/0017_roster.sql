-- The signed roster by which this server decides whom it speaks with. One row for each federation whose roster was ever
-- accepted: whoever goes back to an earlier one still takes nothing older.
CREATE TABLE rosters (
    roster_id TEXT PRIMARY KEY,
    trusted TEXT NOT NULL,            -- JSON: the signers, the number and the hash that the next document is held against
    document BLOB NOT NULL,           -- the document that was accepted last, at most 8 MiB
    accepted_ts INTEGER NOT NULL
) STRICT;
