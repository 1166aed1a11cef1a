-- What events relate to: one row for each event of a timeline that names another event under m.relates_to and wasn't
-- redacted. The parent may be unknown here.
CREATE TABLE relations (
    room_nid INTEGER NOT NULL,
    parent_id TEXT NOT NULL,          -- event id of the parent
    pos INTEGER NOT NULL,             -- the child's place in the timeline
    event_nid INTEGER NOT NULL,       -- the child
    event_id TEXT NOT NULL,
    rel_type TEXT NOT NULL,           -- such as m.thread; longer ones than 255 bytes aren't kept
    kind TEXT NOT NULL,               -- the child's type
    sender TEXT NOT NULL,
    origin_server_ts INTEGER NOT NULL,
    annotation TEXT,                  -- the key of an annotation; NULL: it is none
    PRIMARY KEY (room_nid, parent_id, pos)
) STRICT, WITHOUT ROWID;
CREATE INDEX relations_by_type ON relations (room_nid, parent_id, rel_type, sender, pos);

-- Events that have a thread, with the place of the newest event in it.
CREATE TABLE threads (
    room_nid INTEGER NOT NULL,
    root_id TEXT NOT NULL,
    last_pos INTEGER NOT NULL,
    PRIMARY KEY (room_nid, root_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX threads_by_pos ON threads (room_nid, last_pos);

-- For finding the event of a moment.
CREATE INDEX events_by_ts ON events (room_nid, origin_server_ts);

-- The words of messages, names and topics in rooms that were never encrypted. They go when the event is redacted.
CREATE TABLE search_words (
    room_nid INTEGER NOT NULL,
    word TEXT NOT NULL,               -- lower case, at most 32 characters
    pos INTEGER NOT NULL,             -- the event's place in the timeline
    PRIMARY KEY (room_nid, word, pos)
) STRICT, WITHOUT ROWID;
