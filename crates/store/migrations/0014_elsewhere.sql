-- Events that were known before they came into the timeline, as parts of a state that was handed over: their place there
-- isn't their number. Here they are found by whoever follows the stream.
CREATE TABLE late_events (
    pos INTEGER PRIMARY KEY,
    room_nid INTEGER NOT NULL,
    event_nid INTEGER NOT NULL
) STRICT;

-- Events that aren't in the timeline though others there follow them: where older history would begin.
CREATE TABLE backward_extremities (
    room_nid INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (room_nid, event_id)
) STRICT, WITHOUT ROWID;

-- Redactions of events that haven't come yet.
CREATE TABLE early_redactions (
    room_nid INTEGER NOT NULL,
    event_id TEXT NOT NULL,           -- what is to be redacted
    redaction_nid INTEGER NOT NULL,
    PRIMARY KEY (room_nid, event_id, redaction_nid)
) STRICT, WITHOUT ROWID;

-- What somebody may know of a room that nobody here is in, as another server told it with an invitation or after a knock.
CREATE TABLE stripped_states (
    user_id TEXT NOT NULL,
    room_nid INTEGER NOT NULL,
    events TEXT NOT NULL,             -- JSON array of stripped events
    via TEXT NOT NULL,                -- servers that are in the room, separated by spaces
    PRIMARY KEY (user_id, room_nid)
) STRICT, WITHOUT ROWID;

-- Transactions of other servers, with the answer: a repeated one gets the same.
CREATE TABLE received_txns (
    origin TEXT NOT NULL,             -- the server
    txn_id TEXT NOT NULL,
    answer TEXT NOT NULL,             -- JSON
    received_ts INTEGER NOT NULL,
    PRIMARY KEY (origin, txn_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX received_txns_by_ts ON received_txns (received_ts);
