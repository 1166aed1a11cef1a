-- Events that are to be sent later, unless somebody stops them (MSC4140). Looked up by whoever knows the id, which is
-- a secret: its holder may restart, cancel or send the event and nothing else.
CREATE TABLE delayed_events (
    delay_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    state_key TEXT,                   -- NULL: not a state event
    content TEXT NOT NULL,            -- '{}' once the event was sent: the room has it
    sticky_ms INTEGER,                -- NULL: not sticky
    txn_id TEXT NOT NULL,             -- the device's name for the request; '' for state events
    delay_ms INTEGER NOT NULL,
    running_since_ts INTEGER NOT NULL,
    send_ts INTEGER NOT NULL,         -- running_since_ts + delay_ms
    finalised_ts INTEGER,             -- NULL: still to be sent
    event_id TEXT,                    -- NULL: not sent
    errcode TEXT,                     -- NULL: not refused
    error TEXT                        -- why it was refused
) STRICT;
CREATE INDEX delayed_events_by_user ON delayed_events (user_id, send_ts);
CREATE INDEX delayed_events_due ON delayed_events (send_ts) WHERE finalised_ts IS NULL;
CREATE INDEX delayed_events_done ON delayed_events (finalised_ts) WHERE finalised_ts IS NOT NULL;

-- Events that members are shown even if they come later or miss them in the timeline, for as long as it says (MSC4354).
CREATE TABLE sticky_events (
    room_nid INTEGER NOT NULL,
    nid INTEGER NOT NULL,             -- the event and its position
    until_ts INTEGER NOT NULL,
    PRIMARY KEY (room_nid, nid)
) STRICT, WITHOUT ROWID;
CREATE INDEX sticky_events_by_end ON sticky_events (until_ts);

-- How far each application service was told what happened.
CREATE TABLE appservices (
    appservice_id TEXT PRIMARY KEY,   -- from its registration
    pos INTEGER NOT NULL,             -- it has everything up to here
    txn INTEGER NOT NULL,             -- the number of the last transaction that it took
    pending_pos INTEGER               -- the end of the transaction under way; NULL: none. Repeated, it is the same
) STRICT;

-- Rooms that an application service lists in the directory for one of its networks.
CREATE TABLE appservice_listings (
    room_nid INTEGER NOT NULL,
    appservice_id TEXT NOT NULL,
    network_id TEXT NOT NULL,
    PRIMARY KEY (room_nid, appservice_id, network_id)
) STRICT, WITHOUT ROWID;
