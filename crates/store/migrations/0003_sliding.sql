-- Sliding sync sorts rooms by their last proper activity: position of the newest event that people wrote.
ALTER TABLE rooms ADD COLUMN bump_pos INTEGER NOT NULL DEFAULT 0;
UPDATE rooms SET bump_pos = COALESCE((SELECT MAX(e.pos) FROM events e WHERE e.room_nid = rooms.nid AND e.status = 0
    AND e.kind IN ('m.room.create', 'm.room.message', 'm.room.encrypted', 'm.sticker', 'm.call.invite', 'm.poll.start',
    'org.matrix.msc3381.poll.start', 'm.beacon_info', 'org.matrix.msc3672.beacon_info')), last_pos);

-- Threads that somebody wants to hear of, or not any more.
CREATE TABLE thread_subscriptions (
    user_id TEXT NOT NULL,
    room_nid INTEGER NOT NULL,
    root TEXT NOT NULL,               -- event id of the thread's root
    subscribed INTEGER NOT NULL,      -- 0: not any more
    automatic INTEGER NOT NULL,       -- the client did it, not the user
    pos INTEGER NOT NULL,             -- when it last changed
    PRIMARY KEY (user_id, room_nid, root)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_subscriptions_by_pos ON thread_subscriptions (user_id, pos);
