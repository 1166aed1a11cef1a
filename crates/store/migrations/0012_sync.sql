-- Threads that people follow, or followed once (MSC4306). The row of a thread that was given up stays: what was written
-- before doesn't bring it back.
CREATE TABLE thread_subscriptions (
    user_id TEXT NOT NULL,
    room_nid INTEGER NOT NULL,
    root_id TEXT NOT NULL,            -- the event that the thread began with
    subscribed INTEGER NOT NULL,
    automatic INTEGER NOT NULL,       -- a client subscribed by itself
    pos INTEGER NOT NULL,             -- when this last changed
    PRIMARY KEY (user_id, room_nid, root_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_subscriptions_by_pos ON thread_subscriptions (user_id, pos);

-- Fields of profiles that were set, changed or removed, each at its newest change.
CREATE TABLE profile_changes (
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,               -- such as displayname
    pos INTEGER NOT NULL,
    PRIMARY KEY (user_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_changes_by_pos ON profile_changes (pos);

-- Sticky events in the order in which they came, whatever the room.
CREATE INDEX sticky_events_by_nid ON sticky_events (nid);
